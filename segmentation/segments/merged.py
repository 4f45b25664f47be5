"""Lists and frozen segments name members one by one: whoever a member becomes stands in its place."""

from datetime import datetime

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray
from psycopg2 import sql as pg
from pyroaring import BitMap

from members import merging
from scrm.lib import sql
from segmentation.models import Segment, SegmentSnapshot
from segmentation.segments import membership

LABEL = "segmentation.SegmentSnapshot"
Numbers = NDArray[np.int64]
FIXED = (Segment.Kind.LIST, Segment.Kind.SNAPSHOT)


def carry_over(pairs: str, as_of: datetime) -> None:
    """In every fixed segment the winner takes the loser's place; where that was is remembered."""
    found = sql.fetch(pg.SQL("SELECT winner_id, loser_id, merge_id FROM {}").format(pg.Identifier(pairs)))
    winners, losers, merges = (np.array(column, np.int64) for column in zip(*found, strict=True))
    for snapshot in _fixed(int(winners[0])):
        ids = BitMap.deserialize(snapshot.bitmap)
        gone = np.isin(losers, np.array(ids & BitMap(losers), np.int64))
        if gone.any():
            fresh = ~np.isin(winners[gone], np.array(ids & BitMap(winners[gone]), np.int64))
            _note(snapshot.pk, merges[gone][fresh], merges[gone][~fresh])
            _save(snapshot, ids, (ids - BitMap(losers[gone])) | BitMap(winners[gone]), as_of)


def give_back(undoing: merging.Undoing) -> None:
    """Losers stand in their segments again; winners stay where they stood themselves."""
    found = sql.rows("segmentation/list_carried", {"label": LABEL}, pairs=pg.Identifier(merging.UNDO_PAIRS))
    there = SegmentSnapshot.objects.filter(pk__in={row["snapshot"] for row in found})
    for snapshot in _held(there):
        mine = [row for row in found if row["snapshot"] == snapshot.pk]
        kept = {row["winner_id"] for row in mine if row["stood"]}
        out = BitMap(row["winner_id"] for row in mine if row["winner_id"] not in kept)
        ids = BitMap.deserialize(snapshot.bitmap)
        _save(snapshot, ids, (ids - out) | BitMap(row["loser_id"] for row in mine), undoing.as_of)


def _fixed(member_id: int) -> list[SegmentSnapshot]:
    """Snapshots of the fixed segments of this member's pool."""
    ((pool,),) = sql.fetch("SELECT pool_id FROM members_member WHERE id = %(id)s", {"id": member_id})
    return _held(SegmentSnapshot.objects.filter(segment__pool_id=pool, segment__kind__in=FIXED))


def _held(rows: QuerySet[SegmentSnapshot]) -> list[SegmentSnapshot]:
    """Snapshots whose segments nobody else writes until the end of the transaction."""
    segments = Segment.objects.filter(pk__in=rows.values("segment_id")).order_by("pk")
    list(segments.select_for_update().values_list("pk", flat=True))
    return list(rows.select_related("segment").order_by("segment_id", "as_of"))


def _note(snapshot: int, added: Numbers, stood: Numbers) -> None:
    given = {"label": LABEL, "snapshot": snapshot, "added": added.tolist(), "stood": stood.tolist()}
    sql.execute("segmentation/note_carried", given)


def _save(snapshot: SegmentSnapshot, were: BitMap, ids: BitMap, as_of: datetime) -> None:
    """The latest snapshot is who is in it now: that is told; those of before are only put right."""
    snapshot.bitmap, snapshot.size = ids.serialize(), len(ids)
    snapshot.save(update_fields=["bitmap", "size"])
    if snapshot.as_of == snapshot.segment.as_of:
        Segment.objects.filter(pk=snapshot.segment_id).update(size=len(ids))
        membership.tell(snapshot.segment, ids - were, were - ids, as_of)


merging.also(merge=carry_over, undo=give_back)
