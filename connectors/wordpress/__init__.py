"""WordPress 5.7 and later, by its REST API."""
