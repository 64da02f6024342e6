"""What the package tells without loading the readers of all markups."""

from __future__ import annotations

import subprocess
import sys

from landbridge import richtext


def test_every_markup_is_named_and_every_name_is_there() -> None:
    assert tuple(richtext.MARKUPS) == richtext.NAMES
    assert all(hasattr(richtext, name) for name in richtext.__all__)
    assert not hasattr(richtext, "nothing_of_the_kind")


def test_the_engine_starts_without_a_reader_of_markdown() -> None:
    asked = "import landbridge.sync, sys; print(sorted({'markdown_it', 'html5lib', 'lxml', 'mwparserfromhell'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
