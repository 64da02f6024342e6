"""E-mail: mailing lists by IMAP and SMTP."""
