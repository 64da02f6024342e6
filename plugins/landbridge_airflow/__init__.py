"""All that Airflow loads of Landbridge, found by entry points; nothing imports the pages or a connector at once."""
