"""Landbridge's pages inside Airflow. Imported by the api-server only: never import this at the top of another module."""
