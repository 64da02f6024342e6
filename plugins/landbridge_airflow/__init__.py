"""All that Airflow loads of Landbridge; found by entry points. No module here imports the web part or a connector at once."""
