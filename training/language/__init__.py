"""The language adapter: a scene grammar that writes requests, answers and edits; the training; a quick judge."""
