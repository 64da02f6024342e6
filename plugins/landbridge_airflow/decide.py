"""The question to a person, asked in Airflow itself."""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator

APPROVE = "Approve"
REJECT = "Reject"


class DecideOperator(HITLOperator):
    """Approve or reject; returns {"approved", "by"}.

    Not Airflow's ApprovalOperator: on "Reject" that one skips its children, and the rejection would reach no record.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(options=[APPROVE, REJECT], **kwargs)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> dict[str, Any]:
        answer = super().execute_complete(context, event)
        user = answer["responded_by_user"] or {}
        by = user.get("name") or user.get("id") or "unknown"
        return {"approved": answer["chosen_options"] == [APPROVE], "by": by}
