"""Recordings of whole answers: tables, tenants and sign-ins, without the company, and still playable."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from landbridge.connector import connector_class
from landbridge.testing import recording as recordings
from landbridge.testing.recording import SECRET, Exchange, Recording
from landbridge.testing.scrubbed import scrubbed
from landbridge.testing.scrubbing import Scrubber

CSV = {"Content-Type": "text/csv; charset=UTF-8"}
TABLE = (
    '"Id","Name","Email","Phone","IsActive","Description","SystemModstamp"\n'
    '"005Do00000000002AAA","Anna Müller","anna.mueller@acme.com","+49 30 23125 003","true","Ask ""Anna"",\nin Hamburg",'
    '"2026-11-22T17:15:10.531Z"\n'
    '"005Do00000000003AAA","","","","false","","2026-11-22T17:15:10.532Z"\n'
)


def recording(connector: str, config: dict[str, Any], *exchanges: Exchange, **native: Any) -> Recording:
    return Recording(connector, "users", "person", ("Id",), config, exchanges, (native,))


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_table_stays_one_without_its_people(ends: str) -> None:
    asked = Exchange("GET", "https://api.acme.com/results", 200, None, CSV, TABLE.replace("\n", ends))
    made = scrubbed(recording("salesforce", {}, asked, Name="Anna Müller"), Scrubber(host="api.acme.com"))
    text = made.exchanges[0].answer
    for word in ("anna", "müller", "acme", "23125", "hamburg"):
        assert word not in text.casefold()
    columns, first, second = csv.reader(io.StringIO(text, newline=""))
    assert ",".join(f'"{one}"' for one in columns) == TABLE.partition("\n")[0]
    assert first[1] == made.natives[0]["Name"], "the same person has the same name as in the record"
    assert (first[0], first[4], first[6]) == ("005Do00000000002AAA", "true", "2026-11-22T17:15:10.531Z")
    assert second == ["005Do00000000003AAA", "", "", "", "false", "", "2026-11-22T17:15:10.532Z"]
    assert text.endswith(f'"{ends}')


def graph() -> Recording:
    """As the sandbox's emulator is connected: without encryption, on this machine."""
    config = {
        "host": "http://127.0.0.1:8080", "login": "6731de76-14a6-49ae-97bc-6eba6914391e", "password": SECRET,
        "tenant": "acme.example", "domain": "acme.example", "authority": "http://127.0.0.1:8080",
    }  # fmt: skip
    page = {"value": [{"id": "u1", "displayName": "Anna Müller", "userPrincipalName": "anna@acme.example"}],
            "@odata.deltaLink": "http://127.0.0.1:8080/v1.0/users/delta?$deltatoken=a1"}  # fmt: skip
    asked = Exchange("GET", "http://127.0.0.1:8080/v1.0/users/delta", 200, None, {}, page)
    return recording("entra", config, asked, id="u1", displayName="Anna Müller")


def test_a_tenant_that_is_named_by_its_domain_is_not_named() -> None:
    made = scrubbed(graph(), Scrubber(host="127.0.0.1"))
    assert "acme" not in made.text()
    assert made.config["tenant"] == "company.example"


def test_a_replay_signs_in_nowhere() -> None:
    """Microsoft's own client does not pass the tape, and must not ask who owns the address of a recording."""
    pytest.importorskip("msal")
    made = scrubbed(graph(), Scrubber(host="127.0.0.1"))
    with recordings.replayed(made):
        natives = recordings.natives(recordings.player(connector_class("entra"), made), "users", 1)
    assert [one["displayName"] for one in natives] == ["Ada Adler"]


def test_where_tokens_are_issued_is_no_token() -> None:
    address = "https://api.acme.com/oauth/token"
    made = scrubbed(recording("zulip", {"token_url": address, "token": "xoxb-17"}), Scrubber(host="api.acme.com"))
    assert made.config["token_url"] == "https://system.example/oauth/token"
    assert "xoxb" not in made.text()
