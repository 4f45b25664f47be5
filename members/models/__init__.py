"""Who they are and what they did. One noun per module."""

from members.models.attribute import AttributeField
from members.models.bulk import BulkAct, BulkPiece
from members.models.care import CareTask, Note
from members.models.community import (
    Community,
    CommunityAlert,
    CommunityDay,
    CommunityEvent,
    CommunityHealth,
    CommunityMember,
    CommunityPolicy,
)
from members.models.consent import Consent, ConsentEntry
from members.models.event import Event
from members.models.figure import DailyFigure, PoolTarget
from members.models.importing import ImportLeftover, ImportReject, ImportRun, ImportSample, SavedMapping
from members.models.member import Identity, Member
from members.models.merge import Merge, MergedRows, NotSame, SetAside
from members.models.oneid import Guard, GuardedUse, MatchCount, Meeting, Rehearsal, Review
from members.models.order import Order, OrderLine, Product, Refund
from members.models.ownership import Handover, HandoverShare, OwnerChange, OwnershipRule, StaffProfile
from members.models.pool import Channel, DataVersion, Pool, PoolAccess
from members.models.prediction import MemberPrediction
from members.models.privacy import AccessEntry, ConsentWording, Erasure, ExportRequest, Tombstone
from members.models.standing import MemberStanding
from members.models.state import MemberState, StateChange, TouchedMember
from members.models.store import Store
from members.models.tag import MemberTag, MergedTag, Tag, TagChange, TagGroup, TagMerge, TagRun
from members.models.tracking import Site, VisitorEvent
from members.models.view import ListSettings, SavedView

__all__ = [
    "AccessEntry",
    "AttributeField",
    "BulkAct",
    "BulkPiece",
    "CareTask",
    "Channel",
    "Community",
    "CommunityAlert",
    "CommunityDay",
    "CommunityEvent",
    "CommunityHealth",
    "CommunityMember",
    "CommunityPolicy",
    "Consent",
    "ConsentEntry",
    "ConsentWording",
    "DailyFigure",
    "DataVersion",
    "Erasure",
    "Event",
    "ExportRequest",
    "Guard",
    "GuardedUse",
    "Handover",
    "HandoverShare",
    "Identity",
    "ImportLeftover",
    "ImportReject",
    "ImportRun",
    "ImportSample",
    "ListSettings",
    "MatchCount",
    "Meeting",
    "Member",
    "MemberPrediction",
    "MemberStanding",
    "MemberState",
    "MemberTag",
    "Merge",
    "MergedRows",
    "MergedTag",
    "NotSame",
    "Note",
    "Order",
    "OrderLine",
    "OwnerChange",
    "OwnershipRule",
    "Pool",
    "PoolAccess",
    "PoolTarget",
    "Product",
    "Refund",
    "Rehearsal",
    "Review",
    "SavedMapping",
    "SavedView",
    "SetAside",
    "Site",
    "StaffProfile",
    "StateChange",
    "Store",
    "Tag",
    "TagChange",
    "TagGroup",
    "TagMerge",
    "TagRun",
    "Tombstone",
    "TouchedMember",
    "VisitorEvent",
]
