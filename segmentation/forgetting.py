"""What becomes of segments when a person is erased: they leave every list and every snapshot."""

from pyroaring import BitMap

from members.privacy.deciding import Person, decide, eraser, free
from members.privacy.fates import wipe
from segmentation.models import Leaf, PortraitCut, Segment, SegmentSnapshot

decide("segmentation.SegmentVersion", free("conditions over facts, written for everybody"))
decide("segmentation.RecalculationRun", free("settings and edges"))
decide("segmentation.Scheme", free("settings and edges"))
wipe("segmentation.Segment", "error")


@eraser("segmentation.SegmentSnapshot")
def lists(person: Person) -> int:
    """Static lists and snapshots, without them; a segment's size follows its latest."""
    gone, changed = BitMap(person.numbers), 0
    for number in SegmentSnapshot.objects.filter(segment__pool_id=person.pool_id).values_list("pk", flat=True):
        row = SegmentSnapshot.objects.get(pk=number)
        ids = BitMap.deserialize(bytes(row.bitmap))
        if not ids.intersect(gone):
            continue
        rest = ids - gone
        SegmentSnapshot.objects.filter(pk=row.pk).update(bitmap=rest.serialize(), size=len(rest))
        Segment.objects.filter(pk=row.segment_id, as_of=row.as_of).update(size=len(rest))
        changed += 1
    return changed


@eraser("segmentation.Leaf")
def leaves(person: Person) -> int:
    """Kept answers are made again when they are needed."""
    return int(Leaf.objects.filter(pool_id=person.pool_id).delete()[0])


@eraser("segmentation.PortraitCut")
def cuts(person: Person) -> int:
    """So are the parts of portraits."""
    return int(PortraitCut.objects.filter(pool_id=person.pool_id).delete()[0])
