"""What the page and the endpoints show and keep. Plain logic here; `page` has the widgets, `store` what is on disk."""
