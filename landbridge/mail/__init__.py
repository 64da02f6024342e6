"""Mail for every connector that needs it: IMAP and SMTP with their refusals named, MIME as it comes, and reports."""
