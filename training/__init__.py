"""How the two default models were made, as commands that anyone can run again. The library never imports it."""
