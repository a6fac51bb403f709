"""Omost: a chat message becomes a canvas program, and the canvas becomes a picture."""
