"""The command line: `landbridge …`."""

# Each registers its commands; the order is that of the help.
from landbridge.cli import decide, history, hub, plan, run, setaside, status  # noqa: F401
from landbridge.cli.app import app

__all__ = ["app", "main"]


def main() -> None:
    app()
