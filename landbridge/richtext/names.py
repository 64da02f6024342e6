"""The markups that there are, told without their readers and writers."""

from __future__ import annotations

NAMES = ("matrix-html", "wordpress-html", "html", "teams-html", "wikitext", "slack", "markdown", "plain")
