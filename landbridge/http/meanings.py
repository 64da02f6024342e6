"""What a system's own words of refusal mean, as a table."""

from __future__ import annotations

from dataclasses import dataclass

from landbridge.errors import LandbridgeError, RateLimited
from landbridge.http.answer import Answer
from landbridge.http.retry import retry_after


@dataclass(frozen=True)
class Meaning:
    """The error that these words (separated by blanks) stand for, what that means in ours, and the remedy.

    In `said`, {} is the system's word; where it is empty, the table says the same of all. `after`: seconds to wait after
    a RateLimited whose answer names no time.
    """

    error: type[LandbridgeError]
    words: str
    said: str = ""
    remedy: str = ""
    after: float | None = None


class Meanings:
    """A table of words, which a Client takes as its `error_map`; statuses may stand in it as words too.

    `otherwise` is what every other word stands for; None leaves those to the status.
    """

    def __init__(
        self, *rows: Meaning, otherwise: type[LandbridgeError] | None = None, said: str = "it is refused ({})."
    ) -> None:
        self._rows = {word: row for row in rows for word in row.words.split()}
        self._other, self._said = Meaning(otherwise, "") if otherwise else None, said

    def __call__(self, answer: Answer, *, remedy: str = "") -> LandbridgeError | None:
        """Of a refusal by its word, else by its status; None where neither stands here."""
        if answer.status < 400:
            return None
        return self.of(answer, answer.code, remedy=remedy) or self.of(answer, str(answer.status), remedy=remedy)

    def of(self, answer: Answer, word: object, *, remedy: str = "") -> LandbridgeError | None:
        """The error of a word that was found in the answer; None where it says nothing."""
        if not isinstance(word, str) or not word or (row := self._rows.get(word, self._other)) is None:
            return None
        text = f"{answer.where}: {(row.said or self._said).format(word)}"
        if row.error is RateLimited:
            after = retry_after(answer.headers)
            error: LandbridgeError = RateLimited(text, after=row.after if after is None else after)
        else:
            error = row.error(text, remedy=remedy or row.remedy)
        error.code = word
        return error
