"""One conformance suite for all connectors; a connector inherits it in one line.

class TestZulip(Conformance): harness = ZulipHarness

The harness brings up a server or an emulator and says what people do in it (`landbridge.testing.harness`); the suite
does the rest, through a proxy that breaks what can break. Needs pytest.
"""

from __future__ import annotations

from landbridge.testing.harness import Harness
from landbridge.testing.suite_account import AccountSuite
from landbridge.testing.suite_failures import FailureSuite
from landbridge.testing.suite_reading import ReadingSuite
from landbridge.testing.suite_writing import WritingSuite

__all__ = ["Conformance", "Harness"]


class Conformance(AccountSuite, ReadingSuite, FailureSuite, WritingSuite):
    """Every check of every part; what a connector cannot be asked is shown as exempt, with the reason."""
