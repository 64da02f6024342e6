"""The closed table of transforms. A new one is a pair that is inverse on its image, and a row here."""

from __future__ import annotations

from landbridge.mapping import bodies, lists, simple, times
from landbridge.mapping.pairs import Transform

_ROWS = (
    (
        "text",
        "text(number=false)",
        "strips a text, makes text of a number; number=true writes a number",
        simple.text,
    ),
    ("integer", "integer", "text ⇄ whole number", simple.integer),
    (
        "bool",
        'bool(true="TRUE", false="FALSE")',
        "true and false however written",
        simple.boolean,
    ),
    ("not", "not", "true ⇄ false", simple.negation),
    ("lower", "lower", "small letters, both ways", simple.lower),
    ("slug", "slug", "small letters, digits and hyphens, both ways", simple.slug),
    (
        "enum",
        'enum(native="canonical", …)',
        "word ⇄ word; the first of several natives is written",
        simple.enum,
    ),
    (
        "default",
        'default("x")',
        "reads x where the field is absent or null",
        simple.default,
    ),
    ("const", 'const("x")', "reads x; alone it needs no native field", simple.const),
    ("list", "list", "one value ⇄ list of one", simple.as_list),
    ("first", "first", "list ⇄ its first value", simple.first),
    ("split", 'split(",")', "text ⇄ list", simple.split),
    ("join", 'join(", ")', "list ⇄ text", simple.join),
    ("date", 'date("%d.%m.%Y")', "date (ISO 8601 without a pattern)", times.a_date),
    (
        "datetime",
        f'datetime("{"|".join(times.FORMS)}")',
        "time; without zone it is UTC",
        times.a_datetime,
    ),
    (
        "as_email",
        'as_email("type")',
        "address ⇄ emails: the primary one, or the one of the type",
        lists.as_email,
    ),
    (
        "emails",
        'emails(value="…", type="…", primary="…")',
        "addresses or objects ⇄ emails",
        lists.emails,
    ),
    (
        "as_phone",
        'as_phone("type")',
        "number ⇄ phones: the first, or the one of the type",
        lists.as_phone,
    ),
    (
        "phones",
        'phones(value="…", type="…")',
        "numbers or objects ⇄ phones",
        lists.phones,
    ),
    (
        "ref",
        'ref("stream", number=false, none=0)',
        "key ⇄ reference to a record; the native may be one",
        lists.ref,
    ),
    ("refs", 'refs("stream", number=false)', "keys ⇄ references", lists.refs),
    (
        "richtext",
        'richtext("markup", limit=30000, people="stream", spaces="stream", plain="path")',
        "the tool's markup ⇄ canonical rich text",
        bodies.richtext,
    ),
)
TRANSFORMS: dict[str, Transform] = {name: Transform(usage, does, make) for name, usage, does, make in _ROWS}
