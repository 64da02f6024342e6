"""What vendors publish, where this machine has it: contracts of their APIs, and recordings."""

from __future__ import annotations

import importlib.util
import json
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.emulators.base import Emulator, Reply, Request
from tests.shared import SHARED


def contract(path: str, **options: Any) -> Any:
    """A vendor's description, which checks exchanges; skips the test where there is none."""
    checker, described = SHARED / "contracts" / "contract.py", SHARED / "contracts" / path
    if not described.exists():
        pytest.skip("LANDBRIDGE_SHARED does not name the folder with the vendors' contracts")
    spec = importlib.util.spec_from_file_location("vendor_contract", checker)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves its files to the collector
        return module.Contract(described, **options)


def recorded(path: str) -> Iterator[dict[str, Any]]:
    """Recorded exchanges of a vendor's test tenant; skips the test where there are none."""
    file = SHARED / "samples" / path
    if not file.exists():
        pytest.skip("LANDBRIDGE_SHARED does not name the folder with the vendors' recordings")
    yield from map(json.loads, file.read_text(encoding="utf-8").splitlines())


def exchanges(emulator: Emulator) -> list[tuple[Request, Reply]]:
    """Fills while the emulator answers."""
    seen: list[tuple[Request, Reply]] = []
    answer = emulator.answer

    def noted(request: Request) -> Reply | None:
        reply = answer(request)
        if reply is not None:
            seen.append((request, reply))
        return reply

    emulator.answer = noted  # type: ignore[method-assign]
    return seen


def problems(described: Any, seen: list[tuple[Request, Reply]], *, leave: tuple[str, ...] = ()) -> list[str]:
    """Where an exchange departs from the contract; `leave` names paths that it does not describe."""
    return [
        f"{request.method} {request.path}: {problem}"
        for request, reply in seen
        if not request.path.endswith(leave or ("\n",))
        for problem in described.check(
            request.method, request.url, dict(request.headers), request.body or None, reply.status,
            dict(reply.sent_headers), reply.content or None,
        )
    ]  # fmt: skip
