"""Invented people, words and numbers that stand in a recording for real ones; the same number gives the same."""

from __future__ import annotations

import hashlib
import re
import unicodedata

# 24 and 25 have no common factor, so the first 600 people all have names of their own.
GIVEN = tuple(
    "Ada Bela Cora Dario Elif Finn Greta Hugo Ines Jonas Kaja Leo Mira Nils Olga Pavel Rosa Sven Tilda Umar Veit Wim Yara"
    " Zeno".split()
)
FAMILY = tuple(
    "Adler Bergström Castro Dupont Eriksen Falk García Hansen Ivanov Jansen Kowalska Lindqvist Moreau Novák Özdemir"
    " Petrov Quist Rossi Sørensen Tanaka Urban Vogel Winter Yılmaz Zeman".split()
)
WORDS = tuple(
    "amber basket candle dapple ember fable garden harbour island jasmine kettle lantern meadow nutmeg orchard pebble"
    " quarry ribbon saddle timber umbrella valley willow yonder zephyr acorn beacon copper drizzle feather glacier hazel"
    " ivory jigsaw kernel linen marble nectar oyster paddle quiver raven silver thistle upland velvet walnut yarrow".split()
)
DAY = "1980-01-01"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_SPELLED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "o", "ı": "i", "ł": "l"})


def name(number: int) -> tuple[str, str]:
    """Given and family name of the person with this number, counted from 0."""
    again = number // (len(GIVEN) * len(FAMILY))
    return GIVEN[number % len(GIVEN)], FAMILY[number % len(FAMILY)] + (str(again + 1) if again else "")


def login(number: int) -> str:
    return ".".join(spelled(part) for part in name(number))


def word(number: int, like: str) -> str:
    """A word that says nothing, written as large as `like`."""
    found = WORDS[number % len(WORDS)]
    return found.upper() if like.isupper() and len(like) > 1 else found.capitalize() if like[0].isupper() else found


def spelled(text: str) -> str:
    """In small letters of ASCII, as logins and addresses spell a name."""
    plain = unicodedata.normalize("NFKD", text.lower().translate(_SPELLED))
    return "".join(character for character in plain if character.isascii() and not unicodedata.combining(character))


def shaped(text: str, number: int) -> str:
    """Another text of the same shape: digits for digits, letters for letters, hexadecimal stays so, a day is a day."""
    if _DAY.match(text):
        return DAY + text[len(DAY) :]
    letters = "abcdef" if re.fullmatch(r"[0-9a-fA-F]+", text) else "abcdefghijklmnopqrstuvwxyz"
    noise = hashlib.shake_256(f"{number}".encode()).digest(len(text) or 1)
    return "".join(_instead(character, at, letters) for character, at in zip(text, noise, strict=False))


def _instead(character: str, noise: int, letters: str) -> str:
    if character.isdecimal():
        # Never 0, which at the front of a number would shorten it.
        return str(1 + noise % 9)
    if not character.isalpha():
        return character
    found = letters[noise % len(letters)]
    return found.upper() if character.isupper() else found
