"""What becomes of notices when a person is erased, and how the secrets of hooks are sealed anew."""

from pyroaring import BitMap

from members.privacy.deciding import Person, decide, eraser, free
from members.privacy.sealing import sealed
from segmentation.models import SegmentNotice
from segmentation.segments.hooks.posting import context_of

sealed("segmentation.SegmentHook", "sealed", context=lambda row: context_of(row["id"]), needs=("id",))
decide("segmentation.SegmentHook", free("addresses of other systems"))


@eraser("segmentation.SegmentNotice")
def notices(person: Person) -> int:
    """Nobody is told of them any more; a notice of them alone goes."""
    gone, changed = BitMap(person.numbers), 0
    rows = SegmentNotice.objects.filter(hook__segment__pool_id=person.pool_id)
    for pk, packed in rows.values_list("pk", "bitmap").iterator(chunk_size=200):
        ids = BitMap.deserialize(bytes(packed))
        if not ids.intersect(gone):
            continue
        rest = ids - gone
        mine = SegmentNotice.objects.filter(pk=pk)
        mine.update(bitmap=rest.serialize(), size=len(rest)) if rest else mine.delete()
        changed += 1
    return changed
