"""The hub: one database that remembers what every system said, what the company knows, and what was written where."""
