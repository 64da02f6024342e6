"""A connector outside this repository: generated, built, installed, found, mapped, and as good there as here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from landbridge.connector import registry
from tests.conformance.made import ROOT, UNTOLD, made, suite

UV = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
pytestmark = pytest.mark.skipif(not UV, reason="needs uv, which `make setup` installs")
SYSTEMS = "systems:\n  chat:\n    connector: zulip\n    audience: company\n"
LOOK = """
import json
from pathlib import Path
from landbridge.connector import connector_class
from landbridge.sync import load_company
company = load_company(Path("home"))
mapping = company.mapping("chat/posts")
print(json.dumps({
    "class": connector_class("zulip").__module__,
    "mapping": mapping.file,
    "streams": company.system("chat").streams,
    "fields": sorted(mapping.fields),
    "problems": mapping.run_examples(),
}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by hatchling, which needs no network for it."""
    folder = made(tmp_path_factory.mktemp("author"))
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return next((folder / "dist").glob("landbridge_zulip-*.whl"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment over the one that runs the tests, with the wheel installed in it."""
    folder = tmp_path_factory.mktemp("company")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder / "venv")}))
    (site / "base.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    python = folder / "venv" / "bin" / "python"
    subprocess.run([str(UV), "pip", "install", "--offline", "--no-deps", "--python", python, wheel], check=True)
    return python


def home(folder: Path) -> Path:
    """A company that has the system, and no mapping of its own."""
    (folder / "home" / "config").mkdir(parents=True)
    (folder / "home" / "config" / "systems.yaml").write_text(SYSTEMS)
    return folder


def asked(python: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("LANDBRIDGE")}
    env |= {"PYTHONPATH": str(ROOT), "LANDBRIDGE_HOME": str(folder / "home")}
    return subprocess.run([python, *words], cwd=folder, env=env, capture_output=True, text=True)


def test_it_is_found_with_its_mapping(python: Path, tmp_path: Path) -> None:
    done = asked(python, home(tmp_path), "-c", LOOK)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["class"] == "landbridge_zulip.connector"
    assert found["mapping"].startswith(str(python.parents[1]))
    assert found["streams"] == ["posts"]
    assert found["problems"] == []


def test_a_connector_without_a_package_brings_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A module by itself lies beside everybody's; a `mappings` there is not its own."""
    (tmp_path / "alone.py").touch()
    (tmp_path / "mappings").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    entries = {
        name: EntryPoint(name, value, registry.GROUP) for name, value in (("a", "alone:A"), ("b", "nowhere.x:B"))
    }
    monkeypatch.setattr(registry, "_found", lambda: entries)
    assert registry.mapping_folders(["a", "b"]) == []


def test_a_companys_own_mapping_replaces_it(python: Path, tmp_path: Path) -> None:
    folder = home(tmp_path) / "home" / "mappings" / "zulip"
    folder.mkdir(parents=True)
    example = 'examples: [{name: a post, native: {id: "1", title: A}, canonical: {title: A}}]'
    (folder / "posts.yaml").write_text(
        f"system: zulip\nstream: posts\nkind: document\nfields: {{title: title}}\n{example}\n"
    )
    found = json.loads(asked(python, tmp_path, "-c", LOOK).stdout)
    assert found["mapping"] == str(folder / "posts.yaml")
    assert found["fields"] == ["title"]


def test_the_command_line_knows_it(python: Path, tmp_path: Path) -> None:
    command = "from landbridge.cli import main; main()"
    done = asked(python, home(tmp_path), "-c", command, "check", "--json")
    said = json.loads(done.stdout)
    mappings = next(one for one in said["config"] if one["name"] == "mappings")
    assert mappings["says"] == "1 stream, 1 example run both ways"
    # Its connection is not there; all else is.
    assert ['"chat" is not defined' in finding["text"] for finding in said["findings"]] == [True], said


def test_its_suite_passes_there(wheel: Path, python: Path) -> None:
    """The author's tests, against the connector that is installed."""
    folder = wheel.parents[1]
    (folder / "landbridge_zulip").rename(folder / "moved_away")
    results, printed = suite(folder, python=str(python), path=str(ROOT))
    assert len(results) > 20
    assert {said for said in results.values() if not said.endswith(UNTOLD)} == {"passed"}, printed
