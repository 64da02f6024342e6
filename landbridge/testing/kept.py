"""A system in memory whose state outlives the process: every change is in a file before the caller hears of it."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

from landbridge.connector.items import Native
from landbridge.testing.memory import Memory


class KeptMemory(Memory):
    """As `Memory`; the same name in the same folder is the same system."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name)
        self._file = folder / f"{name}.state"
        if self._file.exists():
            self.state, self.log, self._ids, self._times = pickle.loads(self._file.read_bytes())  # noqa: S301 (our own)

    def _keep(self, stream: str, key: str, native: Native) -> Native:
        kept = super()._keep(stream, key, native)
        self._save()
        return kept

    def drop(self, stream: str, key: str) -> None:
        super().drop(stream, key)
        self._save()

    def _save(self) -> None:
        draft = self._file.with_suffix(".new")
        draft.write_bytes(pickle.dumps((self.state, self.log, self._ids, self._times)))
        os.replace(draft, self._file)
