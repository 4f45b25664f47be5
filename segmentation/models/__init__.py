"""Segments: a named rule (in immutable versions) or list, and who was in it when; schemes; what recalculation did."""

from segmentation.models.hook import SegmentHook, SegmentNotice
from segmentation.models.leaf import Leaf
from segmentation.models.portrait import PortraitCut
from segmentation.models.predictor import ModelVersion, Predictor
from segmentation.models.run import RecalculationRun
from segmentation.models.scheme import Scheme
from segmentation.models.segment import Segment, SegmentSnapshot, SegmentVersion
from segmentation.models.tagging import TagRule

__all__ = [
    "Leaf",
    "ModelVersion",
    "PortraitCut",
    "Predictor",
    "RecalculationRun",
    "Scheme",
    "Segment",
    "SegmentHook",
    "SegmentNotice",
    "SegmentSnapshot",
    "SegmentVersion",
    "TagRule",
]
