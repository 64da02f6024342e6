"""Starts real third-party systems on this machine, filled with one invented company, for the demo and the tests."""
