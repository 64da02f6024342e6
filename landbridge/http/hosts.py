"""What the name of a host says."""

from __future__ import annotations

import ipaddress


def is_here(host: str) -> bool:
    """Is this the machine itself, so that nobody listens in between? A name but localhost may be any."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
