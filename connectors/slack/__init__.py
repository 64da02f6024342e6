"""Slack: users, user groups, channels, members and messages, by the Web API."""
