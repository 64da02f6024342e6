"""What becomes of an edit where nothing can be edited: an answer to the message tells it, if the flow says so.

Nobody wants a mail for a comma, nor one for each of the edits that people make right after they have said something.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from landbridge.store.clock import parse
from landbridge.sync.job import Job

CHANGED, ADDED = "This was changed:", "Files were added:"


def correction(job: Job) -> dict[str, Any] | None:
    """The claim of an answer to what is there, which tells what it should be by now; None where nobody is to be told."""
    row, desired, after = job.action.record, job.action.desired, job.route.config.corrections
    if row is None or after is None or job.action.op != "update" or job.mapping.kind != "message":
        return None
    thread = job.mapping.fields.get("thread")
    if thread is None or thread.ref != row.stream or "body" not in job.mapping.writable:
        return None
    sent, edited = row.sent or {}, parse(job.edited_at) if job.edited_at else datetime.now(UTC)
    changed = _words(desired.get("body")) != _words(sent.get("body"))
    files = [one for one in desired.get("attachments") or () if one not in (sent.get("attachments") or ())]
    if not (changed or files) or (job.said_at and edited - parse(job.said_at) < after):
        return None
    told = {name: desired[name] for name in ("space", "author") if name in desired}
    own = {"stream": row.stream, "key": row.key}
    above = (row.claim or {}).get("thread") or sent.get("thread")
    told |= {"thread": above or own, "body": f"*{CHANGED if changed else ADDED}*\n\n{desired.get('body') or ''}"}
    told |= {"reply_to": own} if above and "reply_to" in job.mapping.writable else {}
    told |= {"attachments": files} if files else {}
    return told | ({"sent_at": edited.isoformat()} if "sent_at" in job.mapping.writable else {})


def _words(body: Any) -> str:
    """Letters and digits: another comma or capital letter is worth no mail."""
    return "".join(filter(str.isalnum, str(body or "").casefold()))
