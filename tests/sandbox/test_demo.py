"""The demo where something cannot be had: what is left is a company of its own, and what is not is named."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from landbridge.sync.company import load_company
from sandbox.commands import Progress
from sandbox.demo import show
from sandbox.demo.company import PROVIDES, REPOSITORY, without
from sandbox.demo.day import Event, nothing

NEEDS_DEBIAN = ("wordpress", "mediawiki", "slapd")
SOME = [left_out for size in range(1, 4) for left_out in combinations(NEEDS_DEBIAN, size)]


@pytest.mark.parametrize("left_out", SOME, ids="-".join)
def test_whatever_is_left_out_the_rest_is_a_company(left_out: tuple[str, ...], tmp_path: Path) -> None:
    reduced = without(left_out, tmp_path)
    company = load_company(reduced.home)
    assert set(company.systems) == set(reduced.systems)
    assert set(company.flows) == set(reduced.flows)
    assert not {system for name in left_out for system in PROVIDES[name]} & set(reduced.systems)
    assert {"people", "cases"} <= set(reduced.flows)
    everything = load_company(REPOSITORY).flows
    assert {*reduced.flows, *reduced.left_out} == set(everything)


def test_with_everything_it_is_the_company_of_the_repository(tmp_path: Path) -> None:
    reduced = without((), tmp_path)
    assert (reduced.home, reduced.left_out) == (REPOSITORY, ())


@pytest.mark.parametrize("left_out", [(), ("wordpress",)], ids="-".join)
def test_the_branch_is_joined_with_whatever_is_there(left_out: tuple[str, ...], tmp_path: Path) -> None:
    reduced = without(left_out, tmp_path, branch=True)
    company = load_company(reduced.home)
    assert {"branch", *without(left_out, tmp_path).flows} <= set(company.flows)
    assert ("branch-news" in company.flows) == ("wordpress" not in left_out)
    assert [source.stream for source in company.flows["people"].scope][-1] == "branch/users"
    assert company.flows["people"].memberships


def test_one_command_adds_all_that_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    show.left_out({"wordpress": ["php-cli", "wordpress"], "mediawiki": ["php-cli", "mediawiki"]}, ["news"])
    told = capsys.readouterr().out
    assert "wordpress, mediawiki, and so the flows news" in told
    assert "apt-get install --no-install-recommends php-cli wordpress mediawiki;" in told


def test_who_reads_along_in_a_log_is_not_left_waiting(capsys: pytest.CaptureFixture[str]) -> None:
    with show.coming_up() as report:
        report(Progress("tryton", "install", 0.1))
        assert capsys.readouterr().out.split() == ["tryton", "installing"]
        report(Progress("tryton", "up", 4.0, "http://127.0.0.1:1"))
        assert capsys.readouterr().out.split() == ["tryton", "up", "4", "s", "http://127.0.0.1:1"]


def test_what_people_wrote_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    event = Event("Somebody", "chat", "it", nothing, lambda: None, (), seconds=1.0, found="[red]alert[/]")
    show.table([event], 2.0)
    assert "[red]alert[/]" in capsys.readouterr().out


def test_nothing_is_said_where_nothing_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    show.left_out({}, [])
    assert capsys.readouterr().out == ""
