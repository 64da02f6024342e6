"""The list of mutations holds what it says: the code and the tests are still there, and no promise is missing."""

from __future__ import annotations

import ast

import pytest

from tests.mutations.table import PAGE, ROOT, Mutation, load, page

MUTATIONS = load()


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.removed)
def test_what_is_taken_out_is_there_once(mutation: Mutation) -> None:
    assert (ROOT / mutation.file).read_text(encoding="utf-8").count(mutation.find) == 1
    assert mutation.find != mutation.replace


@pytest.mark.parametrize("test", sorted({test for one in MUTATIONS for test in (*one.tests, *one.servers)}))
def test_tests_that_are_named_exist(test: str) -> None:
    path, _, name = test.partition("::")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_each_promise_is_attacked() -> None:
    assert {one.promise for one in MUTATIONS} == set(range(1, 16))


def test_on_real_servers_too() -> None:
    """Those whose failure people would see there at once."""
    assert {one.promise for one in MUTATIONS if one.servers} >= {1, 4, 5, 6, 7}


def test_the_page_is_written_from_the_list() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(MUTATIONS)
