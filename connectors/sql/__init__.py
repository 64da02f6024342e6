"""Tables and queries of any database that SQLAlchemy speaks to."""
