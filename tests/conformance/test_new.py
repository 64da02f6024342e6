"""`landbridge new`: what it makes passes the suite, is clean, and stands where it belongs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from itertools import product
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from landbridge.cli.app import app
from landbridge.cli.exits import Exit
from landbridge.cli.listing import load
from landbridge.cli.new import Auth, PagesBy
from landbridge.errors import ConfigError
from landbridge.quality import Level, load_quality
from tests.conformance.made import ROOT, UNTOLD, VARIANTS, made, suite

load()


def run(*args: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, args, prog_name="landbridge")
    return found.exit_code, found.stdout + found.stderr


@pytest.mark.parametrize(("auth", "pages"), VARIANTS, ids="-".join)
def test_the_generated_state_passes_the_suite(tmp_path: Path, auth: str, pages: str) -> None:
    results, printed = suite(made(tmp_path, auth, pages))
    assert len(results) > 20
    assert {said for said in results.values() if not said.endswith(UNTOLD)} == {"passed"}, printed


def test_the_generated_code_is_clean(tmp_path: Path) -> None:
    """By the rules of this repository: lint, format, strict types; whatever is chosen with whatever."""
    for auth, pages in product(Auth, PagesBy):
        made(tmp_path, auth.value, pages.value, f"new_{auth.value}_{pages.value}")
    bin, config = Path(sys.executable).parent, str(ROOT / "pyproject.toml")
    # The line that sorts imports by what is one's own has the distribution's own settings.
    subprocess.run([bin / "ruff", "check", "-q", "--config", config, "--ignore", "I001,S105", tmp_path], check=True)
    subprocess.run([bin / "ruff", "check", "-q", "--select", "I", tmp_path], check=True, cwd=tmp_path)
    subprocess.run([bin / "ruff", "format", "-q", "--check", "--config", config, tmp_path], check=True)
    files = sorted(str(path) for path in tmp_path.glob("*/landbridge_*/connector.py"))
    # What lint has found out of our own modules is taken over; without it all of them are read again.
    if (known := ROOT / ".mypy_cache").is_dir():
        shutil.copytree(known, tmp_path / "cache")
    types = [bin / "mypy", "--config-file", config, "--cache-dir", str(tmp_path / "cache"), *files]
    done = subprocess.run(types, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def checkout(folder: Path) -> Path:
    """Enough of Landbridge's own source to be taken for it."""
    project = (ROOT / "pyproject.toml").read_text()
    (folder / "pyproject.toml").write_text(project)
    return folder


def test_in_a_checkout_it_becomes_a_folder_beside_the_others(tmp_path: Path) -> None:
    code, said = run("new", "service_desk", "--into", str(checkout(tmp_path)), "--json")
    assert code == Exit.OK, said
    assert json.loads(said)["files"] == [
        "connectors/service_desk/connector.py", "mappings/service_desk/posts.yaml",
        "tests/connectors/service_desk/emulator.py", "tests/connectors/service_desk/test_service_desk_conformance.py",
        "connectors/service_desk/README.md", "connectors/service_desk/quality.yaml",
        "connectors/service_desk/__init__.py",
    ]  # fmt: skip
    entries = tomllib.loads((tmp_path / "pyproject.toml").read_text())["project"]["entry-points"]
    found = entries["landbridge.connectors"]
    assert found["service_desk"] == "connectors.service_desk.connector:ServiceDesk"
    assert list(found) == sorted(found)
    results, printed = suite(
        tmp_path, "tests/connectors", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path)
    )
    assert len(results) > 20
    assert {said for said in results.values() if not said.endswith(UNTOLD)} == {"passed"}, printed
    for name in ("landbridge", "sandbox"):
        (tmp_path / name).symlink_to(ROOT / name)
    for words in (("check", "-q"), ("format", "-q", "--check")):
        subprocess.run([Path(sys.executable).parent / "ruff", *words, "connectors", "tests"], cwd=tmp_path, check=True)


def test_it_says_what_each_file_is_for_and_what_to_type_next(tmp_path: Path) -> None:
    code, said = run("new", "zulip", "--into", str(tmp_path))
    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert code == Exit.OK
    assert "landbridge_zulip/connector.py begin here: streams and writes" in lines
    assert "tests/emulator.py how Zulip answers, as far as known" in lines
    told = [line for line in lines[lines.index("Next") :] if line.startswith(("cd ", "pip ", "landbridge "))]
    assert [line.split("  ")[0].split(" ")[:2] for line in told] == [
        ["cd", "landbridge-zulip"], ["pip", "install"], ["landbridge", "check"], ["landbridge", "try"],
    ]  # fmt: skip


@pytest.mark.parametrize("option", ["--auth", "--pages"])
def test_a_choice_that_there_is_not(tmp_path: Path, option: str) -> None:
    code, said = run("new", "zulip", option, "saml", "--into", str(tmp_path))
    assert code == Exit.USAGE
    assert f"Invalid value for '{option}': 'saml' is not one of '" in said


def test_the_rules_of_quality_name_checks_of_the_suite(tmp_path: Path) -> None:
    folder = made(tmp_path)
    rules = yaml.safe_load((folder / "landbridge_zulip" / "quality.yaml").read_text())["rules"]
    known = yaml.safe_load((ROOT / "connectors" / "matrix" / "quality.yaml").read_text())["rules"]
    assert rules.keys() == known.keys()
    found = load_quality(folder / "landbridge_zulip" / "quality.yaml")
    assert found.level is Level.SILVER
    results, _ = suite(folder)
    tests = {name.partition("[")[0] for name in results}
    named = {said["done"] for said in rules.values() if "done" in said and said["done"].startswith("test_")}
    assert len(named) > 8
    assert named <= tests


@pytest.mark.parametrize("name", ["Zulip", "service-desk", "1password", "class", "", "x/y"])
def test_a_name_that_is_none(name: str, tmp_path: Path) -> None:
    code, said = run("new", name, "--into", str(tmp_path))
    assert code == Exit.USAGE
    assert "service_desk" in said
    assert list(tmp_path.iterdir()) == []


def test_a_connector_that_is_there_already(tmp_path: Path) -> None:
    code, said = run("new", "matrix", "--into", str(tmp_path))
    assert code == Exit.USAGE
    assert "already" in said


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    folder = made(tmp_path)
    readme = folder / "landbridge_zulip" / "README.md"
    for path in folder.rglob("*"):
        if path.is_file() and path != readme:
            path.unlink()
    readme.write_text("mine")
    with pytest.raises(ConfigError, match=r"README\.md is there already"):
        made(tmp_path)
    assert readme.read_text() == "mine"
    assert [path for path in folder.rglob("*") if path.is_file()] == [readme]
