"""Which addresses may pass, and in which spelling."""

from __future__ import annotations

import re

SCHEMES = frozenset({"http", "https", "mailto", "ftp", "tel", "xmpp", "wiki", "mxc"})
MAX_URL = 4096

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_DROPPED = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\ud800-\udfff\ufffe\uffff]")
_ENCODED = re.compile(r"""[\s<>"'\\^`{|}\[\]]""")
_EDGE_CHARS = " \t\n\u00a0"

# A bare address in text: it may contain punctuation but ends in something that is not. Letters are those of scripts
# that put spaces between words; in others the address would swallow the words after it.
_LETTERS = "A-Za-z0-9\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0300-\u036f\u0370-\u03ff\u0400-\u052f"
BARE_URL = re.compile(
    rf"(?<![A-Za-z0-9])https?://[{_LETTERS}][{_LETTERS}\-._~:/?#@!$&()*+,;=%]*(?<=[{_LETTERS}/_=&#%+~\-])"
)


def scheme_of(url: str) -> str:
    """The scheme in lower case, empty for a relative address."""
    match = _SCHEME.match(url)
    return match.group(1).lower() if match else ""


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match.group().encode("utf-8"))


def safe_url(url: str) -> str:
    """The address in its one spelling, or empty where it must not pass: javascript:, data:, overlong."""
    # What browsers ignore inside a scheme ("java\nscript:") goes first, so that the check sees what they see.
    url = _ENCODED.sub(_percent, _DROPPED.sub("", url.strip(_EDGE_CHARS)))
    if len(url) > MAX_URL:
        return ""
    scheme = scheme_of(url)
    if scheme and scheme not in SCHEMES:
        return ""
    # A colon before any slash that is no scheme ("%6Aavascript:") is nobody's honest relative address.
    if not scheme and ":" in re.split(r"[/?#]", url, maxsplit=1)[0]:
        return ""
    return url
