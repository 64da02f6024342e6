"""Dates and times: canonical is ISO 8601, times in UTC with a Z, as the model writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from landbridge.mapping.pairs import MisuseError, Pair, expect_text
from landbridge.mapping.runtime import UnfitError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# What databases write where there is no date.
_NO_DATE = ("0000-00-00", "0001-01-01")
FORMS = ("iso", "naive", "offset", "unix_s", "unix_ms", "unix_text")


def a_date(pattern: str = "") -> Pair:
    def into(value: Any) -> str | None:
        text = expect_text(value).strip()
        if not text or text.startswith(_NO_DATE):
            return None
        try:
            found = datetime.strptime(text, pattern).date() if pattern else date.fromisoformat(_day(text))
        except ValueError:
            raise UnfitError(f"a date like {pattern}" if pattern else "an ISO 8601 date (2026-01-31)") from None
        return found.isoformat()

    def out(value: Any) -> str | None:
        text = into_iso(value)
        return date.fromisoformat(text).strftime(pattern) if text and pattern else text

    into_iso = a_date().into if pattern else into
    return Pair(into, out)


def _day(text: str) -> str:
    return text[:10] if text[10:11] in ("", "T", " ") else text


def a_datetime(form: str = "iso") -> Pair:
    if form not in FORMS:
        raise MisuseError(f"expected one of {', '.join(FORMS)}, found {form!r}")
    unit = 1_000 if form == "unix_ms" else 1_000_000

    def into(value: Any) -> str | None:
        if form.startswith("unix") and value != "":
            return canonical(_from_unix(value, unit))
        return _from_text(value)

    def out(value: Any) -> Any:
        text = _from_text(value)
        return None if text is None else _written(text, form)

    return Pair(into, out)


def canonical(moment: datetime) -> str:
    """As the model writes it: UTC, Z, no fraction where there is none."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _from_text(value: Any) -> str | None:
    text = expect_text(value).strip()
    if not text or text.startswith(_NO_DATE):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return canonical(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise UnfitError("an ISO 8601 time (2026-01-31T12:00:00Z)") from None


def _from_unix(value: Any, unit: int) -> datetime:
    """Seconds (unit: a million microseconds) or milliseconds since 1970, as a number or as text."""
    expected = "a number of seconds or milliseconds since 1970"
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise UnfitError(expected, value)
    try:
        return _EPOCH + timedelta(microseconds=_scaled(value, unit))
    except (ValueError, OverflowError):
        raise UnfitError(expected) from None


def _scaled(value: float | str, unit: int) -> int:
    if isinstance(value, str):
        # Digit by digit: a float would round the microseconds that chat systems use as ids.
        whole, _, fraction = value.strip().partition(".")
        digits = len(str(unit)) - 1
        return int(whole) * unit + int(fraction[:digits].ljust(digits, "0") or "0") * (-1 if whole[:1] == "-" else 1)
    return value * unit if isinstance(value, int) else round(value * unit)


def _written(text: str, form: str) -> Any:
    if form == "iso":
        return text
    if form in ("naive", "offset"):
        return text.replace("Z", "" if form == "naive" else "+00:00")
    micros = (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND
    if form == "unix_ms":
        return micros // 1000
    if form == "unix_text":
        return f"{'-' * (micros < 0)}{abs(micros) // 1_000_000}.{abs(micros) % 1_000_000:06d}"
    return micros / 1_000_000 if micros % 1_000_000 else micros // 1_000_000
