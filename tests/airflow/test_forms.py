"""Connection types: their forms, the Test button, and what is made of a connection."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture
def toy_form(airflow: ModuleType) -> dict[str, Any]:
    from landbridge_airflow.provider import connection_types

    return next(form for form in connection_types() if form["connection-type"] == "landbridge_toy")


def test_the_kept_forms_are_those_of_the_connectors() -> None:
    """Regenerate with `python -m landbridge_airflow.forms`."""
    from landbridge_airflow import conn_types, forms

    ours = [name for name in forms.connector_names() if name != "toy"]
    made = [forms.form(name) for name in ours]
    assert conn_types.FORMS.read_text() == json.dumps(made, indent=2) + "\n"


def test_telling_airflow_of_them_imports_no_connector() -> None:
    script = (
        "import sys; from landbridge_airflow.provider import get_provider_info as info;"
        "print(len(info()['connection-types']) > 1, [m for m in sys.modules if m.startswith(('connectors', 'airflow.'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "[]"]


def test_a_form_follows_the_config(toy_form: dict[str, Any]) -> None:
    behaviour = toy_form["ui-field-behaviour"]
    assert behaviour["relabeling"]["host"] == "File"
    assert behaviour["relabeling"]["password"] == "Access token"
    assert behaviour["placeholders"]["host"] == "/var/lib/toy.json"
    assert set(behaviour["hidden-fields"]) == {"schema", "port", "extra", "login"}


def test_fields_of_its_own(toy_form: dict[str, Any]) -> None:
    fields = toy_form["conn-fields"]
    assert fields["pace"] == {
        "label": "Pace",
        "description": "Requests a minute.",
        "schema": {"type": ["integer", "null"], "default": 60, "minimum": 1},
    }
    assert fields["region"]["schema"]["type"] == ["string", "null"]
    assert fields["second_secret"]["schema"]["format"] == "password"


def test_airflow_takes_what_it_is_told(airflow: ModuleType) -> None:
    import jsonschema
    from airflow.providers_manager import ProvidersManager
    from landbridge_airflow.provider import get_provider_info

    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())
    jsonschema.validate(get_provider_info(), schema)
    hook = ProvidersManager().hooks["landbridge_toy"]
    assert hook is not None
    assert (hook.hook_name, hook.connection_testable) == ("Landbridge: Toy", True)


def test_the_test_button(airflow: ModuleType, company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from landbridge_airflow import hooks

    assert hooks.toy("hr").test_connection() == (True, "Connected as toy@example.org. 2 streams")
    wrong = {"conn_type": "landbridge_toy", "host": "/nowhere", "password": "12345-secret"}
    monkeypatch.setenv("AIRFLOW_CONN_HR", json.dumps(wrong))
    good, said = hooks.toy("hr").test_connection()
    assert not good
    assert "12345-secret" not in said


def test_a_field_left_empty_is_absent(airflow: ModuleType, company: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from landbridge_airflow.connections import airflow_connection

    extra = {"pace": 7, "region": "", "second_secret": None}
    data = {"conn_type": "landbridge_toy", "host": "/f", "password": "p", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_HR", json.dumps(data))
    found = airflow_connection("hr")
    assert (found.id, found.type, found.host, found.password) == ("hr", "landbridge_toy", "/f", "p")
    assert found.extra == {"pace": 7}


def test_the_hub_may_be_a_connection(airflow: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    from landbridge_airflow.connections import hub_url

    monkeypatch.delenv("LANDBRIDGE_HUB", raising=False)
    url = "postgresql://bridge:secret@db.example:5432/hub"
    monkeypatch.setenv("AIRFLOW_CONN_LANDBRIDGE_HUB", url)
    assert hub_url() in (url, url.replace("postgresql", "postgres"))
    monkeypatch.setenv("LANDBRIDGE_HUB", "sqlite:////elsewhere")
    assert hub_url() is None
