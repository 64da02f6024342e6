"""Landbridge joins a company's social tools to its core systems."""

__version__ = "0.1.0"
