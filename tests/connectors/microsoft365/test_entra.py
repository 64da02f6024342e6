"""Entra on the emulator: sign-in, deltas that end, accounts and members both ways."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.microsoft365 import sign_in
from connectors.microsoft365.entra import Entra
from connectors.microsoft365.sign_in import Application
from landbridge.cli.findings import of_expiry
from landbridge.connector import Checkpoint, Complete, Connection, Failure, Finds, Record
from landbridge.errors import (
    AuthError,
    ConfigError,
    ExpiredCursor,
    IncompleteRead,
    NotFound,
    RateLimited,
    RecordError,
    ScopeError,
    TransientError,
)
from landbridge.mapping import load_mapping
from landbridge.model import validate
from sandbox.emulators.base import Reply
from sandbox.emulators.graph import CLIENT, TENANT
from sandbox.emulators.graph_directory import made_id
from tests.connectors.microsoft365.conftest import SECRET, Watched, connected, connection
from tests.connectors.reading import cursor_of, gone_of, natives_of, read

MAPPINGS = Path(__file__).parents[3] / "mappings" / "entra"
STREAMS = ("users", "groups", "memberships")
ANNA, LENA = made_id("anna.mueller"), made_id("lena.vogt")
ITS = made_id("ITS")
NEW = {
    "login": "nora.neu", "displayName": "Nora Neu", "givenName": "Nora", "surname": "Neu", "employeeId": "E0900",
    "emails": ["nora.neu@halbrueck.example"], "manager": ANNA,
}  # fmt: skip


# --- what it is ------------------------------------------------------------------------------------------------


def test_what_the_class_can_do(entra: Entra) -> None:
    assert tuple(Entra.streams()) == STREAMS
    ops = ("create", "update", "disable", "enable", "delete")
    can = {stream: [op for op in ops if Entra.can_write(stream, op)] for stream in STREAMS}
    assert can == {
        "users": ["create", "update", "disable", "enable"],
        "groups": [],
        "memberships": ["create", "delete"],
    }
    assert isinstance(entra, Finds)


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        ({"domian": "x"}, "domian"),
        ({"domain": None}, "domain"),
        ({"tenant": "a/b"}, "tenant"),
        ({"authority": "http://login.example"}, "authority"),
        ({"password": None}, "refresh_token"),
    ],
)
def test_a_wrong_connection_names_the_field_and_no_secret(extra: dict[str, str | None], named: str) -> None:
    given = {"tenant": TENANT, "domain": TENANT, **extra}
    secret = given.pop("password", SECRET)
    wrong = Connection("id", "landbridge_entra", None, CLIENT, secret, extra={k: v for k, v in given.items() if v})
    with pytest.raises(ConfigError, match=named) as caught:
        Entra.Config.of(wrong)
    assert SECRET not in str(caught.value)


def test_every_mapping_example_holds_both_ways() -> None:
    assert [problem for stream in STREAMS for problem in load_mapping(MAPPINGS / f"{stream}.yaml").run_examples()] == []


@pytest.mark.parametrize("stream", STREAMS)
def test_what_is_read_becomes_valid_claims(entra: Entra, stream: str) -> None:
    mapping = load_mapping(MAPPINGS / f"{stream}.yaml")
    found = natives_of(entra, stream)
    assert found
    assert all(validate(mapping.kind, mapping.into(native).claim) for native in found.values())


# --- sign-in ---------------------------------------------------------------------------------------------------


def test_check_names_the_tenant_and_the_rights_it_lacks(graph: Watched, entra: Entra) -> None:
    assert (entra.check().name, entra.check().missing) == ("Halbrück & Söhne", ())
    graph.rights_taken = {"groups"}
    assert entra.check().missing == ("GroupMember.ReadWrite.All",)


def test_a_wrong_secret_is_an_auth_error_without_the_secret(graph: Watched) -> None:
    with connected(Entra, graph, domain=TENANT, password="wr0ng").client as client, pytest.raises(AuthError) as caught:
        client.get("organization")
    assert "AADSTS7000215" in str(caught.value)
    assert "wr0ng" not in str(caught.value)


def test_an_unknown_tenant_is_an_auth_error(graph: Watched) -> None:
    with pytest.raises(AuthError, match="tenant"):
        connected(Entra, graph, domain=TENANT, tenant="elsewhere.example").check()


def test_a_sign_in_service_that_is_away_passes(graph: Watched) -> None:
    away = connected(Entra, graph, domain=TENANT, authority="http://127.0.0.1:9")
    with pytest.raises(TransientError, match="sign-in"):
        Application(away.config, graph.url)()


def test_a_certificate_signs_in(graph: Watched) -> None:
    pem, graph.certificate = _certificate()
    made = connected(Entra, graph, domain=TENANT, password=None, certificate=pem)
    assert made.check().name == "Halbrück & Söhne"
    other, _ = _certificate()
    with pytest.raises(AuthError):
        connected(Entra, graph, domain=TENANT, password=None, certificate=other).check()
    with pytest.raises(AuthError, match="certificate"):
        connected(Entra, graph, domain=TENANT, password=None, certificate="nothing of the kind").check()


@pytest.mark.parametrize(("days", "soon"), [(40, False), (20, True)])
def test_check_says_when_a_certificate_ends(graph: Watched, days: int, soon: bool) -> None:
    pem, graph.certificate = _certificate(days)
    account = connected(Entra, graph, domain=TENANT, password=None, certificate=pem).check()
    end = datetime.now(UTC) + timedelta(days=days)
    assert abs(account.expires["certificate"] - end) < timedelta(minutes=5)
    findings = [finding.text for finding in of_expiry("entra", account)]
    assert findings == ([f"entra: the certificate in its connection ends on {end:%Y-%m-%d}."] if soon else [])
    assert connected(Entra, graph, domain=TENANT).check().expires == {}


def test_a_refused_token_is_fetched_anew(graph: Watched, entra: Entra) -> None:
    assert natives_of(entra, "groups")
    graph.revoke()
    assert natives_of(entra, "groups")
    assert len(graph.asked("/token")) == 2


def test_a_person_signs_in_and_the_newest_sign_in_is_kept(graph: Watched, tmp_path: Path) -> None:
    graph.refresh_tokens["first"] = ANNA
    made = connected(Entra, graph, domain=TENANT, password=None, refresh_token="first")
    assert "person" in made.check().detail
    file = tmp_path / "sign-in.json"
    keeping = {"password": None, "refresh_token": "first", "sign_in_file": str(file)}
    assert connected(Entra, graph, domain=TENANT, **keeping).check().name
    assert file.stat().st_mode & 0o077 == 0
    del graph.refresh_tokens["first"]
    assert connected(Entra, graph, domain=TENANT, **keeping).check().name
    keeping.pop("refresh_token")
    assert connected(Entra, graph, domain=TENANT, **keeping).check().name
    with pytest.raises(AuthError, match="Sign in anew"):
        connected(Entra, graph, domain=TENANT, password=None, refresh_token="revoked").check()
    with pytest.raises(AuthError, match="nobody_has_signed_in"):
        connected(Entra, graph, domain=TENANT, password=None, sign_in_file=str(tmp_path / "none")).check()


def test_somebody_signs_in_with_a_code(graph: Watched, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(tmp_path / "sign-in.json")
    assert sign_in.main(TENANT, CLIENT, file, graph.url) == 1
    graph.at_the_browser = ANNA
    assert sign_in.main(TENANT, CLIENT, file, graph.url) == 0
    assert "enter ABCD" in capsys.readouterr().out
    assert "person" in connected(Entra, graph, domain=TENANT, password=None, sign_in_file=file).check().detail


# --- reading ---------------------------------------------------------------------------------------------------


def test_an_account_is_complete_and_steady(graph: Watched, entra: Entra) -> None:
    native = natives_of(entra, "users")[LENA]
    assert native["login"] == "lena.vogt"
    assert native["emails"] == ["lena.vogt@halbrueck.example"]
    assert native["manager"] == graph.users[LENA]["manager"]
    assert (native["costCenter"], native["guest"], native["preferredLanguage"]) == (None, False, None)
    graph.set_user(LENA, accountEnabled=True)
    assert natives_of(entra, "users")[LENA] == native


def test_pages_are_followed_to_the_delta_link(graph: Watched, entra: Entra) -> None:
    graph.deltas.size = 3
    *records, checkpoint, complete = entra.read("users")
    assert len(records) == len(graph.users)
    assert isinstance(checkpoint, Checkpoint) and isinstance(complete, Complete)
    graph.deltas.replays = True
    assert len(natives_of(entra, "users")) == len(graph.users)


def test_later_only_what_changed_is_told(graph: Watched, entra: Entra) -> None:
    cursor = cursor_of(entra, "users")
    before = natives_of(entra, "users")[LENA]
    assert list(entra.read("users", cursor))[:-1] == []
    graph.set_user(LENA, jobTitle="Head of everything")
    records, gone, cursor = read(entra, "users", cursor)
    assert {key: one.native for key, one in records.items()} == {LENA: before | {"jobTitle": "Head of everything"}}
    assert gone == []
    graph.set_user(LENA, accountEnabled=False)
    assert natives_of(entra, "users", cursor)[LENA]["accountEnabled"] is False


def test_a_change_counts_also_where_another_place_of_the_directory_is_behind(graph: Watched, entra: Entra) -> None:
    cursor = cursor_of(entra, "users")
    graph.set_user(LENA, jobTitle="new")
    graph.script(LENA, Reply({"id": LENA, "jobTitle": "old", "manager": {"id": ANNA}}))
    native = natives_of(entra, "users", cursor)[LENA]
    assert (native["jobTitle"], native["manager"]) == ("new", ANNA)


@pytest.mark.parametrize("for_good", [False, True])
def test_removed_accounts_are_gone(graph: Watched, entra: Entra, for_good: bool) -> None:
    users, members = cursor_of(entra, "users"), cursor_of(entra, "memberships")
    group = next(group for group, members in graph.members.items() if LENA in members)
    graph.remove_user(LENA, for_good=for_good)
    assert gone_of(entra, "users", users) == [LENA]
    assert gone_of(entra, "memberships", members) == [f'["{group}","{LENA}"]']
    assert LENA not in natives_of(entra, "users")


def test_members_come_and_go(graph: Watched, entra: Entra) -> None:
    key = f'["{ITS}","{ANNA}"]'
    assert key in natives_of(entra, "memberships")
    cursor = cursor_of(entra, "memberships")
    graph.move_member(ITS, ANNA, joins=False)
    records, gone, cursor = read(entra, "memberships", cursor)
    assert (records, gone) == ({}, [key])
    graph.move_member(ITS, ANNA, joins=True)
    assert list(natives_of(entra, "memberships", cursor)) == [key]


def test_devices_are_no_members(graph: Watched, entra: Entra) -> None:
    devices = [{"@odata.type": "#microsoft.graph.device", "id": "d"}]
    link = f"{graph.url}/v1.0/groups/delta?$deltatoken=x"
    graph.script("groups/delta", Reply({"value": [{"id": "g", "members@delta": devices}], "@odata.deltaLink": link}))
    assert natives_of(entra, "memberships") == {}


@pytest.mark.parametrize("stream", STREAMS)
def test_an_expired_token_means_to_read_in_full(graph: Watched, entra: Entra, stream: str) -> None:
    cursor = cursor_of(entra, stream)
    graph.deltas.expire()
    with pytest.raises(ExpiredCursor):
        list(entra.read(stream, cursor))
    assert graph.exchanges[-1][1].headers["Location"].endswith("/delta?$deltatoken=")
    with pytest.raises(ExpiredCursor):
        list(entra.read(stream, {"since": "another connector's"}))


@pytest.mark.parametrize(("status", "code"), [(400, "Directory_ExpiredPageToken"), (404, "syncStateNotFound")])
def test_other_words_for_an_expired_token(graph: Watched, entra: Entra, status: int, code: str) -> None:
    cursor = cursor_of(entra, "users")
    graph.script("users/delta", Reply({"error": {"code": code, "message": "…"}}, status))
    with pytest.raises(ExpiredCursor):
        list(entra.read("users", cursor))
    graph.exchanges.clear()


def test_a_week_is_the_life_of_a_token(graph: Watched, entra: Entra) -> None:
    cursor, now = cursor_of(entra, "users"), graph.clock()
    graph.deltas._clock = lambda: now + 8 * 86400
    with pytest.raises(ExpiredCursor):
        list(entra.read("users", cursor))


def test_a_round_without_its_end_is_not_whole(graph: Watched, entra: Entra) -> None:
    graph.script("users/delta", Reply({"value": []}))
    with pytest.raises(IncompleteRead):
        list(entra.read("users"))


def test_one_bad_account_stops_nobody(graph: Watched, entra: Entra) -> None:
    del graph.users[ANNA]["userPrincipalName"]
    items = list(entra.read("users"))
    assert [item.key for item in items if isinstance(item, Failure)] == [ANNA]
    assert len([item for item in items if isinstance(item, Record)]) == len(graph.users) - 1


def test_unknown_fields_and_nulls_are_taken_as_they_come(graph: Watched, entra: Entra) -> None:
    graph.users[ANNA] |= {"somethingNew": {"a": 1}, "businessPhones": None, "otherMails": None, "mail": None}
    assert natives_of(entra, "users")[ANNA]["emails"] == []
    graph.exchanges.clear()  # nulls that Microsoft does not document


@pytest.mark.parametrize("told", [True, False])
def test_a_rate_limit_is_waited_for_or_handed_on(graph: Watched, entra: Entra, told: bool) -> None:
    wait = {"Retry-After": "0"} if told else {}
    refused = Reply({"error": {"code": "TooManyRequests", "message": "…"}}, 429, wait)
    graph.script("groups/delta", refused)
    assert natives_of(entra, "groups")
    graph.script("groups/delta", *[Reply(refused.body, 429, {"Retry-After": "7200"})])
    with pytest.raises(RateLimited) as caught:
        list(entra.read("groups"))
    assert caught.value.after == 7200


def test_a_missing_right_is_a_scope_error(graph: Watched, entra: Entra) -> None:
    graph.rights_taken = {"groups"}
    with pytest.raises(ScopeError):
        list(entra.read("groups"))
    assert natives_of(entra, "users")


# --- writing ---------------------------------------------------------------------------------------------------


def test_a_new_account(graph: Watched, entra: Entra) -> None:
    cursor = cursor_of(entra, "users")
    made = entra.create_user(NEW, "marker")
    assert graph.users[made["id"]]["userPrincipalName"] == "nora.neu@halbrueck.example"
    assert graph.users[made["id"]]["manager"] == ANNA
    assert "passwordProfile" not in made
    assert natives_of(entra, "users", cursor) == {made["id"]: made}


def test_an_account_is_made_once_and_found_after_an_uncertain_outcome(graph: Watched, entra: Entra) -> None:
    graph.lose("/v1.0/users")
    with pytest.raises(TransientError) as caught:
        entra.create_user(NEW, "marker")
    assert caught.value.uncertain
    assert len(graph.asked("/v1.0/users", "POST")) == 1
    found = entra.find("users", NEW, "marker")
    assert found is not None and found["employeeId"] == "E0900"
    assert entra.find("users", NEW | {"login": "nobody"}, "marker") is None
    somebody_else = {"login": "nora.neu", "employeeId": "E0901", "emails": ["other@halbrueck.example"]}
    assert entra.find("users", somebody_else, "marker") is None


def test_an_account_whose_manager_cannot_be_set_is_there_all_the_same(graph: Watched, entra: Entra) -> None:
    made = entra.create_user(NEW | {"manager": "00000000-0000-0000-0000-000000000000"}, "marker")
    assert made["manager"] is None
    assert made["id"] in graph.users


@pytest.mark.parametrize("login", ["", "nora neu", "jürgen"])
def test_a_name_that_entra_refuses_is_not_sent(graph: Watched, entra: Entra, login: str) -> None:
    with pytest.raises(RecordError):
        entra.create_user(NEW | {"login": login}, "marker")
    assert graph.asked("/v1.0/users", "POST") == []


def test_an_update_is_read_back(graph: Watched, entra: Entra) -> None:
    changed = entra.update_user(LENA, {"jobTitle": "Lead", "mobilePhone": "", "businessPhone": ""}, "marker")
    assert (changed["jobTitle"], changed["mobilePhone"], changed["businessPhone"]) == ("Lead", None, None)
    assert entra.update_user(LENA, {"manager": None}, "marker")["manager"] is None
    assert entra.update_user(LENA, {"manager": None}, "marker")["manager"] is None
    assert entra.update_user(LENA, {"manager": ANNA}, "marker")["manager"] == ANNA
    with pytest.raises(NotFound):
        entra.update_user("00000000-0000-0000-0000-000000000000", {"jobTitle": "x"}, "marker")


def test_a_leaver_can_do_nothing_any_more_and_may_come_back(graph: Watched, entra: Entra) -> None:
    assert entra.disable_user(LENA, "marker")["accountEnabled"] is False
    assert graph.sessions_ended == [LENA]
    assert entra.enable_user(LENA, "marker")["accountEnabled"] is True


def test_what_we_write_is_no_news(graph: Watched, entra: Entra) -> None:
    cursor = cursor_of(entra, "users")
    written = entra.update_user(LENA, {"jobTitle": "Lead"}, "marker")
    assert natives_of(entra, "users", cursor) == {LENA: written}


def test_members_are_added_and_removed_once(graph: Watched, entra: Entra) -> None:
    sales = next(group for group in graph.groups if LENA not in graph.members[group])
    wanted = {"group": sales, "user": LENA}
    assert entra.find("memberships", wanted, "marker") is None
    for _ in range(2):
        assert entra.writer("memberships", "create")(wanted, "marker") == wanted
    assert graph.members[sales].count(LENA) == 1
    assert entra.find("memberships", wanted, "marker") == wanted
    for _ in range(2):
        entra.writer("memberships", "delete")(f'["{sales}","{LENA}"]', "marker")
    assert LENA not in graph.members[sales]
    graph.groups[sales]["membershipRule"] = "user.department -eq 'x'"
    with pytest.raises(ScopeError):
        entra.writer("memberships", "create")(wanted, "marker")
    with pytest.raises(RecordError):
        entra.writer("memberships", "create")({"group": sales}, "marker")
    assert entra.find("memberships", wanted | {"group": "00000000-0000-0000-0000-000000000000"}, "marker") is None


def test_no_secret_in_logs_and_errors(graph: Watched, entra: Entra, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    natives_of(entra, "users")
    entra.create_user(NEW, "marker")
    with pytest.raises(NotFound) as caught:
        entra.update_user("lena.vogt@halbrueck.example.nobody", {"jobTitle": "x"}, "marker")
    told = caplog.text + str(caught.value)
    for hidden in (SECRET, *graph.access, "nora", "lena.vogt", "passwordProfile"):
        assert hidden not in told
    assert SECRET not in repr(connection(graph, "entra"))


def _certificate(days: int = 1) -> tuple[str, str]:
    """Private key and certificate as PEM, and the certificate alone."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "landbridge")]), datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=days))
    certificate = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode() + certificate, certificate
