"""The suite finds the mistakes that it is there for: each is made in a good connector, and its check fails."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from landbridge.testing.conformance import Conformance
from tests.conformance.made import UNTOLD, made, suite

MISTAKES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "mistakes.yaml").read_text())
CONNECTOR, HARNESS = "landbridge_zulip/connector.py", "tests/test_conformance.py"
READER = """
    @reads(posts)
    def read_posts(self, cursor):
        from landbridge.connector import Checkpoint, Complete, Failure, Record
        from landbridge.errors import LandbridgeError
        {body}

    def make_client"""
ANSWERS = """
        from landbridge import errors

        def wrong(answer):
            return errors.{error}(answer.text) if answer.status == {status} else None

        return Client(self.config.host, error_map=wrong, """


def changed(mistake: dict[str, Any], text: str) -> str:
    """The text with the mistake in it."""
    if body := mistake.get("reader"):
        find, replace = "\n    def make_client", READER.format(body=textwrap.indent(body, " " * 8).strip())
        text = text.replace("Stream, writes", "Stream, reads, writes")
    elif answers := mistake.get("answers"):
        [(status, error)] = answers.items()
        find, replace = "        return Client(self.config.host, ", ANSWERS.format(status=status, error=error)
    else:
        find, replace = mistake["find"], mistake["replace"].rstrip("\n")
    assert text.count(find) == 1, f"{find!r} is not there once"
    head, _, tail = text.partition(find)
    return head + replace + ("\n" if mistake.get("cut") else tail)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda one: one["wrong"])
def test_a_mistake_is_found(mistake: dict[str, Any], tmp_path: Path) -> None:
    folder = made(tmp_path)
    path = folder / mistake.get("file", CONNECTOR)
    path.write_text(changed(mistake, path.read_text()))
    wanted = {f"test_{check}": said for check, said in mistake["fails"].items()}
    results, printed = suite(folder, "-k", " or ".join(wanted))
    found = {name.partition("[")[0]: said for name, said in results.items()}
    assert found.keys() == wanted.keys(), printed
    for name, said in wanted.items():
        assert found[name].startswith("failed")
        assert said in found[name], printed


def test_every_check_has_a_mistake_that_it_finds() -> None:
    checks = {name.removeprefix("test_") for name in dir(Conformance) if name.startswith("test_")}
    assert checks - {check for mistake in MISTAKES for check in mistake["fails"]} == set()


def test_an_exemption_is_shown_with_its_reason(tmp_path: Path) -> None:
    folder = made(tmp_path)
    harness = (folder / HARNESS).read_text()
    exempt = 'exempt = {"posts.paging": "all come at once", "rate_limit": "it knows no limit"}'
    (folder / HARNESS).write_text(harness.replace("    connector = Zulip\n", f"    connector = Zulip\n    {exempt}\n"))
    results, printed = suite(folder)
    assert results["test_paging[posts]"] == "exempt: all come at once"
    assert results["test_rate_limit[posts]"] == "exempt: it knows no limit"
    assert results.pop("test_read_again[posts]") == f"exempt: zulip {UNTOLD}"
    assert set(results.values()) == {"passed", "exempt: all come at once", "exempt: it knows no limit"}
    assert "exempt: all come at once" in printed


def test_what_a_class_cannot_do_is_exempt_by_itself(tmp_path: Path) -> None:
    folder = made(tmp_path)
    source = (folder / CONNECTOR).read_text().partition("    @writes")[0]
    (folder / CONNECTOR).write_text(source.replace('since=Since("changed", param="since"),', ""))
    results, _ = suite(folder)
    assert results["test_idempotent_write[posts]"] == "exempt: zulip/posts has no method to create records"
    assert results["test_written_deletion[posts]"] == "exempt: zulip/posts has no method to delete records"
    assert results["test_cursor[posts]"] == "exempt: each read is a full one"
    assert not [said for said in results.values() if said.startswith("failed")]
