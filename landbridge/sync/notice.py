"""Those who are in a private space are told before it is read: once, in the space, by Landbridge."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import xxhash

from landbridge.connector import Connector, Finds, FindsAlike
from landbridge.errors import ConfigError, LandbridgeError, RecordError, TransientError
from landbridge.mapping import Mapping
from landbridge.policy import PrivateSpace
from landbridge.store import audit, privacy
from landbridge.store.privacy import Notice
from landbridge.sync.bridge import Bridge
from landbridge.sync.private import place_of, policies_of, saying

Native = dict[str, Any]


class Told(NamedTuple):
    """What became of one notice: given now, or why not (empty where nothing was to be done)."""

    policy: PrivateSpace
    given: bool
    problem: str = ""


def give_notices(bridge: Bridge, system: str) -> list[Told]:
    """Tell those who were not told yet what policy says; a problem says what to do about it."""
    policies = (one for one in policies_of(bridge.company, system) if one.in_force and one.notice is None)
    return [_give(bridge, one) for one in policies]


def not_told(told: Iterable[Told], bridge: Bridge) -> list[str]:
    """One line for each space that stays unread because nobody could be told."""
    return [f"{place_of(bridge.company, one.policy)}: {one.problem}" for one in told if one.problem]


def _give(bridge: Bridge, policy: PrivateSpace) -> Told:
    says = saying(policy)
    marker = "lb" + xxhash.xxh3_128_hexdigest(f"notice\n{policy.system}\n{policy.space}\n{says}".encode())
    with bridge.hub.begin() as conn:
        taken = privacy.take(conn, policy.system, policy.space, says, marker)
    if taken is None:
        return Told(policy, given=False)
    of, uncertain = taken
    try:
        key = _written(bridge, policy, of, uncertain=uncertain)
    except LandbridgeError as error:
        if not (uncertain or isinstance(error, TransientError)):
            with bridge.hub.begin() as conn:
                privacy.not_given(conn, of)
        return Told(policy, given=False, problem=_problem(error))
    with bridge.hub.begin() as conn:
        privacy.given(conn, of, key)
        audit.append(conn, "landbridge", "notice", f"policy:{policy.system}", {"saying": says})
    return Told(policy, given=True)


def _problem(error: LandbridgeError) -> str:
    """Who is asked for help where Landbridge cannot speak: a person, who says in the policy that it is done."""
    return (
        f"those who are in this private space could not be told, so it is not read: {error} Tell them yourself, and write "
        "`notice: given on <day> by <who>` there."
    )


def _written(bridge: Bridge, policy: PrivateSpace, of: Notice, *, uncertain: bool) -> str:
    """The message's key; what an earlier try has left is found first."""
    connector, mapping = bridge.connector(policy.system), _messages(bridge, policy.system)
    native = mapping.out(_claim(mapping, policy, of), create=True).native
    found = _found(connector, mapping.stream, native, of.marker) if uncertain else None
    made = found or connector.writer(mapping.stream, "create")(native, of.marker)
    if made is None:
        raise RecordError("The system did not say what it has made of the notice.")
    return connector.streams()[mapping.stream].key_of(made)


def _messages(bridge: Bridge, system: str) -> Mapping:
    name = bridge.company.stream_of_kind(system, "message")
    mapping = bridge.company.mapping(name) if name else None
    if (
        mapping is None
        or "space" not in mapping.writable
        or not bridge.connector(system).can_write(mapping.stream, "create")
    ):
        raise ConfigError(f"Landbridge cannot speak in {system}.")
    return mapping


def _claim(mapping: Mapping, policy: PrivateSpace, of: Notice) -> dict[str, Any]:
    stream = mapping.fields["space"].ref or ""
    said = {"space": {"stream": stream, "key": policy.space}, "body": policy.told, "sent_at": of.at}
    return {path: value for path, value in said.items() if path in mapping.writable}


def _found(connector: Connector, stream: str, native: Native, marker: str) -> Native | None:
    found = connector.find(stream, native, marker) if isinstance(connector, Finds) else None
    if found is None and isinstance(connector, FindsAlike):
        found = next(connector.alike(stream, native), None)
    return found
