"""Stateful stand-ins for vendors that no machine can run: their paging, limits and errors, kept in memory."""
