"""Tryton as HR and CRM."""
