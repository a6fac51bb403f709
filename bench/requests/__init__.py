"""The written questions (README.md) and what shows that the training grammar does not know them."""
