"""What the Tryton connector writes into a real Tryton: notes."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from connectors.tryton.connector import Tryton
from landbridge.errors import NotFound, RecordError, TransientError
from landbridge.mapping import load_mapping
from sandbox import tryton as sandbox
from sandbox.tryton_desk import SalesDesk
from tests.connectors.tryton.reading import COMPANY, MAPPINGS, claims, in_full

pytestmark = pytest.mark.server


def test_a_note_is_written_edited_and_withdrawn_and_reads_as_it_was_returned(crm: Tryton) -> None:
    mapping = load_mapping(MAPPINGS / "notes.yaml")
    desired = {"space": {"stream": "opportunities", "key": "1"}, "body": "**Anna Müller:** Käßner liefert *früher*. 📌"}
    written = crm.create_note(mapping.out(desired, create=True).native, "m")
    key = str(written["id"])
    assert written["message"] == "Anna Müller: Käßner liefert früher. 📌"
    assert in_full(crm, "notes")[key] == written
    claim = claims(crm, "notes")[key]
    assert (claim["author"], claim["guest"], claim["space"]["key"]) == (None, None, "1")
    edited = crm.update_note(key, {"message": "Anna Müller: doch nicht.\n\nZweiter Absatz."}, "m")
    later, notes = str(edited["id"]), in_full(crm, "notes")
    assert notes[later] == edited
    assert key not in notes
    crm.delete_note(later, "m")
    crm.delete_note(later, "m")
    assert later not in in_full(crm, "notes")
    with pytest.raises(NotFound):
        crm.update_note(later, {"message": "zu spät"}, "m")


def test_an_edit_whose_answer_is_lost_is_made_once(crm: Tryton, monkeypatch: pytest.MonkeyPatch) -> None:
    before = in_full(crm, "notes")
    written = crm.create_note({"opportunity": 2, "message": "erste Fassung"}, "m")
    with monkeypatch.context() as patch:
        losing_answers(patch, "PUT")
        edited = crm.update_note(str(written["id"]), {"message": "zweite Fassung"}, "m")
    after = in_full(crm, "notes")
    assert after.keys() - before.keys() == {str(edited["id"])}
    assert crm.update_note(str(written["id"]), {"message": "zweite Fassung"}, "m") == edited
    crm.delete_note(str(edited["id"]), "m")


def losing_answers(patch: pytest.MonkeyPatch, method: str) -> None:
    """The server does what it is asked for, but the first answer to this method never arrives."""
    send, lost = requests.Session.send, []

    def send_and_lose(session: requests.Session, request: Any, **options: Any) -> requests.Response:
        answer = send(session, request, **options)
        if request.method == method and not lost:
            lost.append(request)
            answer.close()
            raise requests.ConnectionError("broken after the server had it")
        return answer

    patch.setattr(requests.Session, "send", send_and_lose)


def test_after_an_uncertain_outcome_the_note_is_found_and_not_written_twice(
    crm: Tryton, monkeypatch: pytest.MonkeyPatch
) -> None:
    native = {"opportunity": 3, "message": "Anna Müller: Kommt sie an?"}
    assert next(crm.alike("notes", native), None) is None
    before = in_full(crm, "notes")
    crm.check()
    with monkeypatch.context() as patch:
        losing_answers(patch, "POST")
        with pytest.raises(TransientError) as caught:
            crm.create_note(native, "m")
    assert caught.value.uncertain
    found = next(crm.alike("notes", native), None)
    assert found is not None
    after = in_full(crm, "notes")
    assert after.keys() - before.keys() == {str(found["id"])}
    assert after[str(found["id"])] == found
    assert next(crm.alike("notes", native | {"opportunity": 4}), None) is None
    crm.delete_note(str(found["id"]), "m")


def test_a_salespersons_note_is_never_touched(crm: Tryton) -> None:
    for call in (lambda: crm.update_note("1", {"message": "überschrieben"}, "m"), lambda: crm.delete_note("1", "m")):
        with pytest.raises(RecordError, match="a rule keeps the account"):
            call()
    with pytest.raises(RecordError):
        crm.create_note({"opportunity": 999_999, "message": "ins Leere"}, "m")
    assert in_full(crm, "notes")["1"]["message"] == COMPANY.opportunities[0].notes[0]


def test_who_is_no_employee_is_named_as_a_guest(crm: Tryton, system: sandbox.Tryton) -> None:
    admin = system.client()
    note = SalesDesk(admin).note("1", "Vom Administrator")
    claim = claims(crm, "notes")[str(note["id"])]
    assert (claim["author"], claim["guest"]) == (None, "admin")
    admin.delete("ir.note", [note["id"]])
