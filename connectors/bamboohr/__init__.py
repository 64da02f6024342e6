"""BambooHR, by its REST API and an API key."""
