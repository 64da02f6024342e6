"""Landbridge's pages inside Airflow; for the api-server only, so never imported at the top of another module."""
