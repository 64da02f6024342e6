"""SharePoint on the emulator: sites, files by delta, and their bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from connectors.microsoft365.sharepoint import SharePoint
from landbridge.connector import Failure, HasFiles
from landbridge.errors import ExpiredCursor, NotFound, ScopeError
from landbridge.mapping import load_mapping
from landbridge.model import validate
from sandbox.emulators.graph_directory import made_id
from tests.connectors.microsoft365.conftest import Watched, connected
from tests.connectors.reading import cursor_of, natives_of, read

MAPPINGS = Path(__file__).parents[3] / "mappings" / "sharepoint"
STREAMS = ("users", "sites", "documents")
ANNA = made_id("anna.mueller")


def test_what_the_class_can_do(sharepoint: SharePoint) -> None:
    assert tuple(SharePoint.streams()) == STREAMS
    assert not any(SharePoint.can_write(stream, "create") for stream in STREAMS)
    assert isinstance(sharepoint, HasFiles)


def test_every_mapping_example_holds_both_ways() -> None:
    assert [problem for stream in STREAMS for problem in load_mapping(MAPPINGS / f"{stream}.yaml").run_examples()] == []


@pytest.mark.parametrize("stream", STREAMS)
def test_what_is_read_becomes_valid_claims(sharepoint: SharePoint, stream: str) -> None:
    mapping = load_mapping(MAPPINGS / f"{stream}.yaml")
    found = natives_of(sharepoint, stream)
    assert found
    assert all(validate(mapping.kind, mapping.into(native).claim) for native in found.values())


def test_check_says_which_sites_may_not_be_read(graph: Watched, sharepoint: SharePoint) -> None:
    assert sharepoint.check().missing == ()
    graph.rights_taken = {"sites"}
    assert sharepoint.check().missing == ("Sites.Read.All",)
    site = next(iter(graph.sites))
    assert connected(SharePoint, graph, sites=[site]).check().missing == (f"read on {site}",)


def test_personal_sites_are_left_alone(graph: Watched, sharepoint: SharePoint) -> None:
    before = natives_of(sharepoint, "sites"), natives_of(sharepoint, "documents")
    drive = graph.add_site("Anna's OneDrive", personal=True)
    graph.put(drive, "diary.txt", b"private", author=ANNA)
    assert (natives_of(sharepoint, "sites"), natives_of(sharepoint, "documents")) == before


def test_only_the_sites_that_are_named(graph: Watched) -> None:
    site, gone = next(iter(graph.sites)), "h,0,0"
    named = connected(SharePoint, graph, sites=[site, gone])
    assert list(natives_of(named, "sites")) == [site]
    assert {one["site"] for one in natives_of(named, "documents").values()} <= {site}
    assert [type(item.error) for item in named.read("sites") if isinstance(item, Failure)] == [NotFound]


def test_files_come_change_and_go_by_delta(graph: Watched, sharepoint: SharePoint) -> None:
    graph.deltas.size = 2
    drive = next(iter(graph.drives))
    cursor = cursor_of(sharepoint, "documents")
    assert read(sharepoint, "documents", cursor)[:2] == ({}, [])
    row = graph.put(drive, "offers/price list.pdf", b"one", author=ANNA)
    records, gone, cursor = read(sharepoint, "documents", cursor)
    key = f"{drive}/{row['id']}"
    assert (list(records), gone) == ([key], [])
    assert records[key].native["path"] == "offers/price list.pdf"
    assert records[key].native["files"][0]["sha256"] == hashlib.sha256(b"one").hexdigest()
    graph.put(drive, "offers/price list.pdf", b"two", author=ANNA)
    records, gone, cursor = read(sharepoint, "documents", cursor)
    assert records[key].native["version"].endswith(',2"')
    graph.erase(drive, row["id"])
    assert read(sharepoint, "documents", cursor)[:2] == ({}, [key])


def test_bytes_are_streamed_from_another_host_that_sees_no_token(graph: Watched, sharepoint: SharePoint) -> None:
    drive = next(iter(graph.drives))
    row = graph.put(drive, "big.bin", b"x" * 200_000, author=ANNA)
    pieces = list(sharepoint.open(f"{drive}/{row['id']}"))
    assert len(pieces) > 1 and b"".join(pieces) == graph.contents[row["id"]]
    with pytest.raises(NotFound):
        list(sharepoint.open(f"{drive}/nothing"))


def test_an_expired_token_means_to_read_in_full(graph: Watched, sharepoint: SharePoint) -> None:
    cursor = cursor_of(sharepoint, "documents")
    graph.deltas.expire()
    with pytest.raises(ExpiredCursor):
        list(sharepoint.read("documents", cursor))
    with pytest.raises(ExpiredCursor):
        list(sharepoint.read("documents", {"delta": "x"}))


def test_a_library_that_may_not_be_seen_keeps_nobody_from_the_others(graph: Watched, sharepoint: SharePoint) -> None:
    drive = next(iter(graph.drives))
    cursor = cursor_of(sharepoint, "documents")
    row = graph.put(drive, "late.txt", b"late", author=ANNA)
    graph.rights_taken = {f"drives/{drive.replace('!', '%21')}"}
    items = list(sharepoint.read("documents", cursor))
    assert [type(item.error) for item in items if isinstance(item, Failure)] == [ScopeError]
    graph.rights_taken = set()
    assert list(natives_of(sharepoint, "documents", items[-1].cursor)) == [f"{drive}/{row['id']}"]
