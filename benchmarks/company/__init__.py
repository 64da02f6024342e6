"""The company whose streams are moved: its configuration and its mappings."""

from pathlib import Path

COMPANY = Path(__file__).parent
