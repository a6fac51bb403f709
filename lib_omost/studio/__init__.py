"""What the page shows and keeps: the region editor, pictures with their canvas inside, sessions. Computes nothing."""
