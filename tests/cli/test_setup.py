"""hub, schema, docs and sandbox."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
import yaml
from sqlalchemy import text

from landbridge.cli.exits import Exit
from landbridge.cli.files import Files
from landbridge.cli.reference import reference_files
from landbridge.cli.schema import texts
from landbridge.mapping import load_yaml
from landbridge.store import audit
from sandbox.commands import Progress
from sandbox.errors import SandboxError
from sandbox.system import Health
from tests.cli.conftest import Cli, said
from tests.sync.conftest import HOME, World

ROOT = Path(__file__).parents[2]


def test_the_hub_is_made_in_the_company(home: Path) -> None:
    assert said("hub", "check", "--home", str(home)).code == Exit.USAGE
    found = said("hub", "migrate", "--home", str(home))
    assert found.code == Exit.OK
    assert (home / ".landbridge" / "hub.sqlite").exists()
    assert "audit whole" in said("hub", "check", "--home", str(home)).out


def test_the_hub_named_by_environment_needs_no_company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANDBRIDGE_HUB", f"sqlite:///{tmp_path / 'hub.db'}")
    found = said("hub", "migrate", "--json")
    assert found.code == Exit.OK
    assert json.loads(found.out)["state"].startswith("sqlite")


def test_no_password_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDBRIDGE_HUB", "postgresql://user:geheim@127.0.0.1:1/nothing")
    found = said("hub", "check")
    assert found.code == Exit.UNREACHABLE
    assert "geheim" not in found.out + found.err


def test_a_changed_audit_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with world.bridge.hub.begin() as conn:
        audit.append(conn, "vera", "decide", "decision:1")
        conn.execute(text("UPDATE audit SET actor = 'mallory'"))
    monkeypatch.setenv("LANDBRIDGE_HUB", world.bridge.hub.url.render_as_string())
    found = said("hub", "check", "--json")
    assert found.code == Exit.FINDINGS
    assert "broken at entry 1" in json.loads(found.out)["error"]["message"]


def test_schemas_are_written_and_checked(cli: Cli, home: Path) -> None:
    assert cli("schema", "write", "--check").code == Exit.FINDINGS
    assert cli("schema", "write").code == Exit.OK
    assert cli("schema", "write", "--check", "--json").data["changed"] == []
    (home / "config" / "schemas" / "old.schema.json").write_text("{}")
    assert cli("schema", "write", "--check").code == Exit.FINDINGS
    assert cli("schema", "write").code == Exit.OK
    assert not (home / "config" / "schemas" / "old.schema.json").exists()


@pytest.mark.parametrize("company", [HOME, ROOT])
def test_the_schemas_accept_the_companies_files(company: Path) -> None:
    schemas = {name.partition(".")[0]: json.loads(made) for name, made in texts().items()}
    files = [("systems", company / "config" / "systems.yaml")]
    files += [("flow", path) for path in sorted((company / "config" / "flows").glob("*.yaml"))]
    files += [("mapping", path) for path in sorted((company / "mappings").glob("*/*.yaml"))]
    files += [("policy", path) for path in [company / "config" / "policy.yaml"] if path.exists()]
    for name, path in files:
        jsonschema.validate(load_yaml(path).data, schemas[name])


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("systems", "systems: {hr: {connector: tryton, every: soon}}"),
        ("systems", "systems: {hr: {connector: tryton, rate: 20}}"),
        ("systems", "systems: {hr: {conector: tryton}}"),
        ("flow", "{flow: a, kind: persons, from: {}}"),
        ("flow", "{flow: a, kind: person, from: {}, brake: {share: 2}}"),
    ],
)
def test_the_schemas_refuse_what_the_program_refuses(name: str, wrong: str) -> None:
    schema = json.loads(texts()[f"{name}.schema.json"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(wrong), schema)


def test_defaults_are_spelled_as_in_yaml() -> None:
    system = json.loads(texts()["systems.schema.json"])["$defs"]["SystemConfig"]["properties"]
    assert (system["every"]["default"], system["rate"]["default"]) == ("5 minutes", "20/s")


def test_the_schemas_in_the_repository_are_fresh() -> None:
    stale = Files(ROOT / "config" / "schemas", texts()).stale()
    assert stale == [], "Run `landbridge schema write`."


def test_the_reference_in_the_repository_is_fresh() -> None:
    files, _ = reference_files(ROOT / "docs" / "reference")
    assert files.stale() == [], "Run `landbridge docs reference`."


def test_the_reference_says_what_there_is(cli: Cli, home: Path) -> None:
    assert cli("docs", "reference").code == Exit.OK
    assert cli("docs", "reference", "--check").code == Exit.OK
    pages = {path.name: path.read_text() for path in (home / "docs" / "reference").glob("*.md")}
    assert "## landbridge set-aside retry" in pages["cli.md"]
    assert "| 5 | a brake holds" in pages["cli.md"]
    assert "| `every` | duration | 5 minutes |" in pages["config.md"]
    assert "as_email" in pages["mapping.md"]
    assert "| `name.given` | text |" in pages["model.md"]
    tryton = (home / "docs" / "reference" / "connectors" / "tryton.md").read_text()
    assert "| `application_key` | secret | required |" in tryton


class FakeSandbox(SimpleNamespace):
    """Two systems; one of them never comes up."""

    COMPANY = ("first", "second")
    SYSTEMS = ("first", "second", "third", "broken")

    def up(self, names: tuple[str, ...], report: Any, *, foreground: bool = False) -> dict[str, Any]:
        for name in names:
            for stage in ("install", "start"):
                report(Progress(name, stage, 0.1))
            if name == "broken":
                report(Progress(name, "failed", 0.2, "no disk"))
                raise SandboxError("1 of 1 systems did not come up.", remedy="Look at its log.")
            report(Progress(name, "up", 2.0, "http://127.0.0.1:1"))
        secret = {"conn_type": "landbridge_toy", "host": "http://127.0.0.1:1", "password": "geheim"}
        return dict.fromkeys(names, secret)

    def pointed(self) -> list[str]:
        return ["landbridge check"]

    def sandbox_root(self) -> Path:
        return Path("/a place")

    def down(self, names: tuple[str, ...], report: Any, *, forget: bool = False) -> None:
        for name in names or self.COMPANY:
            report(Progress(name, "down", 0.1))

    def status(self) -> dict[str, Health]:
        return {"first": Health("up", "http://127.0.0.1:1"), "second": Health("down"), "third": Health("absent")}


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sandbox", FakeSandbox())  # type: ignore[arg-type]


@pytest.mark.usefixtures("fake")
def test_the_sandbox_comes_up_and_goes_down(cli: Cli) -> None:
    found = cli("sandbox", "up")
    assert found.code == Exit.OK
    assert "first" in found.out
    assert "✓ first up" in found.err
    assert "geheim" not in found.out + found.err
    assert "\n  airflow connections import '/a place/connections.json'\n" in found.out
    data = cli("sandbox", "up", "first", "--json").data
    assert data["connections"] == {"first": {"type": "landbridge_toy", "host": "http://127.0.0.1:1"}}
    assert data["commands"] == ["landbridge check"]
    assert cli("sandbox", "down", "--forget", "--json").data == {"down": ["first", "second"]}


@pytest.mark.usefixtures("fake")
def test_a_system_that_does_not_come_up(cli: Cli) -> None:
    found = cli("sandbox", "up", "broken")
    assert found.code == Exit.FINDINGS
    assert "did not come up" in found.err
    assert "no disk" in found.err


@pytest.mark.usefixtures("fake")
def test_the_sandbox_tells_what_is_up(cli: Cli) -> None:
    found = cli("sandbox", "status")
    assert found.code == Exit.FINDINGS
    assert cli("sandbox", "status", "first", "--json").data == {
        "first": {"state": "up", "detail": "http://127.0.0.1:1"}
    }


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize("step", ["up", "down", "status"])
def test_a_mistyped_system_of_the_sandbox_is_a_mistake_of_usage(cli: Cli, step: str) -> None:
    found = cli("sandbox", step, "first", "brokn")
    assert found.code == Exit.USAGE
    assert "There is no sandbox system 'brokn'.\n  Did you mean broken?" in found.err


def test_without_the_sandbox_a_remedy(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sandbox", None)
    found = cli("sandbox", "status")
    assert found.code == Exit.USAGE
    assert "The sandbox is not installed here." in found.err
