"""PHP's own web server, with a few workers, for WordPress and MediaWiki."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sandbox import processes
from sandbox.processes import Process

PHP_FILES = Path(__file__).parent / "php"
WORKERS = 4


def options(*, prepend: Path | None = None) -> list[str]:
    """For the command line as for the server. Debian's files do not change under a running server: no time stamps."""
    settings = {
        "sendmail_path": "/bin/true",  # mail goes nowhere
        "display_errors": 0,
        "opcache.enable_cli": 1,
        "opcache.validate_timestamps": 0,
        "auto_prepend_file": prepend or "",
    }
    return [part for name, value in settings.items() for part in ("-d", f"{name}={value}")]


def server(
    home: Path, port: int, site: Path, router: Path, env: Mapping[str, str], *, prepend: Path | None = None
) -> Process:
    address = f"127.0.0.1:{port}"
    command: list[str | Path] = ["php", "-q", *options(prepend=prepend), "-S", address, "-t", site, router]
    environment = {**env, "SANDBOX_URL": f"http://{address}", "PHP_CLI_SERVER_WORKERS": str(WORKERS)}
    return Process(home, "php", command, env=environment, user=processes.unprivileged_user())
