"""What a release review does with evidence: gates evaluated, verdicts recorded and replayed, people's words taken down.

Everything here writes, in one transaction under the bundle's lock, and reads through the read models.
"""

from app.reviews.evaluating import Evaluated, Evaluation, evaluate
from app.reviews.recording import Approval, Entry, Recorded, Waiver, record_approval, record_entry, record_waiver
from app.reviews.retracting import Retraction, record_retraction
from app.reviews.verdicts import Replay, decide_at, record_verdict, replay

__all__ = [
    "Approval",
    "Entry",
    "Evaluated",
    "Evaluation",
    "Recorded",
    "Replay",
    "Retraction",
    "Waiver",
    "decide_at",
    "evaluate",
    "record_approval",
    "record_entry",
    "record_retraction",
    "record_verdict",
    "record_waiver",
    "replay",
]
