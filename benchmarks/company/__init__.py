"""The company whose streams are moved: its configuration and its mappings."""

from pathlib import Path

COMPANY = Path(__file__).parent
# The address of a system that is not asked.
NOWHERE = "http://127.0.0.1:9"
