"""The engine: read → merge → plan → guard → write, as plain functions that a DAG task and the command line call alike."""

from landbridge.sync.bridge import Bridge, open_bridge
from landbridge.sync.company import Company, Flow, System, load_company
from landbridge.sync.guard import Guarded, guard, release
from landbridge.sync.merge import merge
from landbridge.sync.notice import give_notices, not_told
from landbridge.sync.plan import Plan, plan
from landbridge.sync.preview import Intended, preview
from landbridge.sync.read import read
from landbridge.sync.reports import Report
from landbridge.sync.running import report, run_flow
from landbridge.sync.told import keep_told
from landbridge.sync.unlink import Unlinked, foresee, unlink
from landbridge.sync.watching import watch
from landbridge.sync.write import write

__all__ = [
    "Bridge", "Company", "Flow", "Guarded", "Intended", "Plan", "Report", "System", "Unlinked", "foresee", "give_notices",
    "guard", "keep_told", "load_company", "merge", "not_told", "open_bridge", "plan", "preview", "read", "release", "report",
    "run_flow", "unlink", "watch", "write",
]  # fmt: skip
