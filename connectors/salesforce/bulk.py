"""Bulk API 2.0: a query as a job, whose result is fetched as CSV once Salesforce has made it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from landbridge.errors import IncompleteRead, LandbridgeError, RecordError, TransientError
from landbridge.http import Answer, Client, Next, Page, Pages, Retries

# Salesforce takes seconds for thousands of records and minutes for millions. To ask again is the client's business.
PATIENCE = Retries(attempts=400, first=1.0, longest=20.0, patience=1800.0)


@dataclass(frozen=True)
class Results(Pages):
    """The locator of what follows stands in a header, and is the word null at the end."""

    size: int = 10_000

    def first(self) -> dict[str, Any]:
        return {"maxRecords": self.size}

    def parsed(self, answer: Any) -> Any:
        return answer.rows

    def next(self, params: Any, body: Any, headers: Any, count: int) -> Next | None:
        if headers.get("Sforce-NumberOfRecords") != str(count):
            raise IncompleteRead(f"{count} records came where Salesforce announces another number.")
        locator = headers.get("Sforce-Locator", "null")
        return None if locator == "null" else Next({"locator": locator})


def records(client: Client, soql: str) -> Iterator[Page]:
    """All records of a query, from a client that has PATIENCE."""
    job = {"job": client.post("jobs/query", json={"operation": "query", "query": soql}, safe=True).part("id", str)}
    client.get("jobs/query/{job}", path_params=job)
    yield from client.pages("jobs/query/{job}/results", Results(), path_params=job, headers={"Accept": "text/csv"})


def waiting(error_of: Callable[[Answer], LandbridgeError | None]) -> Callable[[Answer], LandbridgeError | None]:
    """The error map of that client: a job that runs is a call to be made again."""

    def judge(answer: Answer) -> LandbridgeError | None:
        if answer.method != "GET" or answer.status != 200 or not answer.where.endswith("/jobs/query/{job}"):
            return error_of(answer)
        state = answer.part("state", str)
        if state == "JobComplete":
            return None
        if state in ("UploadComplete", "InProgress"):
            return TransientError("Salesforce is still making the result of a Bulk query.")
        return RecordError(f"{answer.where}: the Bulk query ended as {state}.",
                           remedy="Look at Setup → Bulk Data Load Jobs, or switch bulk off in the connection.")  # fmt: skip

    return judge
