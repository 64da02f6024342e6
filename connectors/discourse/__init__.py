"""Discourse: a forum's categories, topics, posts and people."""
