"""What vendors publish and others have recorded, where this machine has it; nothing of it is in the repository."""

from __future__ import annotations

import os
from pathlib import Path

# The folder that LANDBRIDGE_SHARED names, else `shared` beside the checkout. Without it, tests that want it are skipped.
SHARED = Path(os.environ.get("LANDBRIDGE_SHARED") or Path(__file__).parents[2] / "shared")
