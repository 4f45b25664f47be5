"""Two members found to be one person: joined, and parted again.

    merge_pairs(pool_id=…, pairs=[(winner, loser)], cause=Cause("phone", hash, source="import:12"), actor=…, as_of=…)
                                                or pairs="a_table" (winner_id, loser_id[, kind, value_hash])
    undo(merge=…, actor=…, as_of=…, assignments=[Told(…)], choices={"points": "full"})
    undo_many(pool_id=…, merges=[…], actor=…, as_of=…, apart=False)
    preview(merge, as_of)                       what an undoing would ask
    apart_pairs(pool_id)                        pairs that must not be joined (NotSame), as they are found now
    seal_erased(pool_id=…, members=[…])         forget what merges of erased people remember

How an app's own tables take part: members/merging/moves.py.
"""

from members.merging.apart import apart_pairs, forget, say_apart
from members.merging.declared import declare
from members.merging.moves import (
    UNDO_PAIRS,
    UNDO_SINCE,
    UNDO_WINNERS,
    Question,
    Undoing,
    also,
    call,
    computed,
    describe,
    drop,
    evidence,
    fingerprint,
    follows,
    held,
    latest_wins,
    mover,
    prefer,
    tables,
    unmover,
)
from members.merging.queries import history
from members.merging.services import FIELDS, Cause, merge_pairs
from members.merging.since import Told, by_channel
from members.merging.undoing import Undone, forget_old, preview, seal_erased, undo, undo_many

__all__ = [
    "FIELDS",
    "UNDO_PAIRS",
    "UNDO_SINCE",
    "UNDO_WINNERS",
    "Cause",
    "Question",
    "Told",
    "Undoing",
    "Undone",
    "also",
    "apart_pairs",
    "by_channel",
    "call",
    "computed",
    "declare",
    "describe",
    "drop",
    "evidence",
    "fingerprint",
    "follows",
    "forget",
    "forget_old",
    "held",
    "history",
    "latest_wins",
    "merge_pairs",
    "mover",
    "prefer",
    "preview",
    "say_apart",
    "seal_erased",
    "tables",
    "undo",
    "undo_many",
    "unmover",
]
