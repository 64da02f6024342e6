"""Expressions and templates, as flows and policies use them."""

from __future__ import annotations

from typing import Any

import pytest

from landbridge.errors import ConfigError, RecordError
from landbridge.mapping import compile_expression, compile_template

DATA: dict[str, Any] = {
    "state": "published",
    "active": True,
    "name.given": "Ada",
    "employment": {"ends": "2026-01-31"},
    "tags": ["news", "it"],
    "emails": [{"value": "a@x", "type": "work"}],
    "count": 0,
    "title": None,
    "category": "Größe 1",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('state == "published"', True),
        ("state != 'published'", False),
        ("active", True),
        ("not active", False),
        ("name.given", "Ada"),
        ("employment.ends < '2026-02-01'", True),
        ("employment.starts < '2026-02-01'", False),
        ("nothing.at.all == null", True),
        ('"news" in tags', True),
        ('"hr" not in tags', True),
        ('state in ["draft", "published"]', True),
        ('state in ["draft"]', False),
        ('"news" in nothing', False),
        ('"pub" in state', True),
        ("emails[0].value", "a@x"),
        ("emails[1].value", None),
        ("count or active", True),
        ("count > -1 and count <= 0", True),
        ("title or state", "published"),
        ("not (active and count)", True),
        ("active and not title", True),
        ('(category | slug) == "groesse-1"', True),
        ("(title | slug) == null", True),
        ('title | default("x")', "x"),
        ("1 == 1.0", True),
        ("true", True),
    ],
)
def test_expressions(text: str, expected: Any) -> None:
    assert compile_expression(text)(DATA) == expected


def test_and_binds_tighter_than_or_and_not_tighter_than_and() -> None:
    expression = compile_expression("a or b and not c")
    assert [expression({"a": a, "b": b, "c": c}) for a, b, c in [(1, 0, 1), (0, 1, 0), (0, 1, 1)]] == [1, True, False]


def test_functions_get_the_data_first() -> None:
    seen: list[Any] = []

    def marked(data: Any, *args: Any) -> bool:
        seen.append((data, args))
        return args[0] in data["tags"]

    expression = compile_expression('active and marked("news", name.given)', functions={"marked": marked})
    assert expression(DATA) is True
    assert seen == [(DATA, ("news", "Ada"))]


def test_paths_are_the_names_it_reads() -> None:
    expression = compile_expression('emails[0].value == name.given or state in [audience.scope, "x"] or state')
    assert expression.paths == ("emails", "name.given", "state", "audience.scope")
    assert compile_template("{title|slug}-{name.given}").paths == ("title", "name.given")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("state = 'x'", 'p.yaml:3: only of news: expected an operator ("|", "or", "and", "==", …) or the end, found "="'
         " at column 7 of `state = 'x'`."),
        ("markd('x')", 'p.yaml:3: only of news: unknown function "markd". Did you mean marked?'),
        ("state | lowr", 'p.yaml:3: only of news: unknown transform "lowr". Did you mean lower?'),
        ("", "p.yaml:3: only of news: expected a path or a value, found the end at column 1 of ``."),
        ("a..b", 'p.yaml:3: only of news: expected a name after ".", found "." at column 3 of `a..b`.'),
        ("__import__('os')", 'p.yaml:3: only of news: unknown function "__import__". Functions: marked.'),
    ],
)  # fmt: skip
def test_mistakes(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compile_expression(text, file="p.yaml", line=3, functions={"marked": print}, what="only of news")
    assert str(caught.value) == expected


def test_no_text_becomes_code() -> None:
    """Names and texts with quotes, braces and line ends stay data."""
    evil = '\'\\"]) or __import__(\\"os\\")\\n'
    assert compile_expression(f'a."{evil}" == "{evil}"')({"a": {}}) is False
    assert "import" not in compile_expression("data.__class__").source.replace("'__class__'", "")
    assert compile_expression("data.__class__")({"data": {}}) is None


def test_values_that_cannot_be_compared_are_an_error_of_the_record() -> None:
    with pytest.raises(RecordError) as caught:
        compile_expression("state < 5", what="only of news")(DATA)
    assert str(caught.value) == "only of news: expected two values that < can compare, found a text and a number."
    with pytest.raises(RecordError, match=r"`state\.x`: expected an object"):
        compile_expression("state.x")(DATA)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("news", "news"),
        ("news-{category|slug}", "news-groesse-1"),
        ("{name.given}/{state}", "Ada/published"),
        ("case-{count}", "case-0"),
        ("{{{state}}}", "{published}"),
        ('{title or "none}"}', "none}"),
        ("", ""),
    ],
)
def test_templates(text: str, expected: str) -> None:
    assert compile_template(text)(DATA) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("news-{title}", "template `news-{title}`: {title} is empty. Give it a value, or leave it out."),
        ("{missing}", "template `{missing}`: {missing} is empty. Give it a value, or leave it out."),
        ("{tags}", "template `{tags}`: {tags} is not a text. Give it a value, or leave it out."),
        ("{active}", "template `{active}`: {active} is not a text. Give it a value, or leave it out."),
    ],
)
def test_a_template_never_leaves_a_gap(text: str, expected: str) -> None:
    with pytest.raises(RecordError) as caught:
        compile_template(text)(DATA)
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("news-{category", "f.yaml:2: space: unexpected { at column 6 of `news-{category`."
         " Write {{ or }} for a brace itself."),
        ("news-category}", "f.yaml:2: space: unexpected } at column 14 of `news-category}`."
         " Write {{ or }} for a brace itself."),
        ("news-{}", "f.yaml:2: space: expected a path or a value, found the end at column 1 of ``."),
        ("{category|slgu}", 'f.yaml:2: space: unknown transform "slgu". Did you mean slug?'),
    ],
)  # fmt: skip
def test_mistakes_in_templates(text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        compile_template(text, file="f.yaml", line=2, what="space")
    assert str(caught.value) == expected
