"""Tables that lie in files: CSV, Excel and JSON lines."""
