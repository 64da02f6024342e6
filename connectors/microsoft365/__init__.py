"""Microsoft 365: Entra ID, Teams, SharePoint and Viva Engage, each a connector of its own over one sign-in."""
