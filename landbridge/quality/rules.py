"""The twelve rules, and which level they are asked for."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """From the lowest to the highest; each asks for all that the ones before it do."""

    NONE = "none"
    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"


# bronze: can be tried by its author · silver: behaves on a bad day · gold: held against the product itself
class Rule(NamedTuple):
    """`says` is what has to be so, in a few words."""

    name: str
    level: Level
    says: str


RULES = tuple(
    Rule(*one)
    for one in (
        (
            "check_names_account_and_scopes",
            Level.BRONZE,
            "check() names the account and the permissions that are missing",
        ),
        ("config_refuses_unknown_keys", Level.BRONZE, "the config refuses unknown keys"),
        ("mapping_examples_both_ways", Level.BRONZE, "every stream has a mapping with examples that hold both ways"),
        ("recorded_exchanges", Level.GOLD, "recorded exchanges are replayed"),
        ("real_server_tests", Level.GOLD, "tests against a real server, or against the vendor's contract"),
        ("paging_tested", Level.SILVER, "paging past one page is tested"),
        ("rate_limit_tested", Level.SILVER, "a rate limit is tested"),
        ("expired_cursor_tested", Level.SILVER, "an expired cursor is tested"),
        ("deletion_tested", Level.SILVER, "a deletion is tested"),
        ("idempotent_write_tested", Level.SILVER, "an idempotent write is tested"),
        ("permissions_table", Level.BRONZE, "the README has a table of permissions"),
        ("no_secret_in_logs", Level.BRONZE, "no secret is in any log"),
    )
)
BY_NAME = {rule.name: rule for rule in RULES}
