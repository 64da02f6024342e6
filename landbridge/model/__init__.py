"""The canonical model: what a company's systems talk about, in one form."""

from landbridge.model.audience import Audience, Scope, within
from landbridge.model.base import KIND_ORDER, EntityModel, RecordRef, Ref
from landbridge.model.conversations import Message, Space
from landbridge.model.documents import Attachment, Case, Document
from landbridge.model.flat import flatten, nest
from landbridge.model.kinds import GATHERED, KINDS, attachment_fields, holding_refs, ref_fields, validate
from landbridge.model.people import Email, Employment, Group, Membership, Name, Person, Phone

__all__ = [
    "GATHERED", "KINDS", "KIND_ORDER", "Attachment", "Audience", "Case", "Document", "Email", "Employment", "EntityModel", "Group",
    "Membership", "Message", "Name", "Person", "Phone", "RecordRef", "Ref", "Scope", "Space", "attachment_fields",
    "flatten", "holding_refs", "nest", "ref_fields", "validate", "within",
]  # fmt: skip
