"""The markups that there are, told without their readers and writers."""

from __future__ import annotations

NAMES = (
    "mail-html",
    "mail-text",
    "matrix-html",
    "wordpress-html",
    "html",
    "teams-html",
    "wikitext",
    "slack",
    "markdown",
    "plain",
)

# The plain text that stands beside a markup, where it is more than characters that mean themselves.
PLAIN = {"mail-html": "mail-text"}
