"""The page: widgets of gradio and of our own, and their events. Plain logic lies in the folder above."""
