"""What is kept on disk: sessions in SQLite, pictures that carry their canvas, whole sessions as one file."""
