"""HubSpot, by its CRM API (v3 objects, v4 associations)."""
