"""Salesforce, by its REST API, and Bulk API 2.0 for reading in full."""
