"""Writes about members. What belongs to one noun stands in its own module and is named here."""

from members.consents import record as record_consent
from members.merging import merge_pairs
from members.people import add_identity, create_member, edit_member, remove_identity, reveal
from members.saved import delete_view, save_view
from members.tagging import add_tag, delete_group, delete_tag, remove_tag, save_group, save_tag
from members.touching import touch
from members.versions import bump, versions

__all__ = [
    "add_identity",
    "add_tag",
    "bump",
    "create_member",
    "delete_group",
    "delete_tag",
    "delete_view",
    "edit_member",
    "merge_pairs",
    "record_consent",
    "remove_identity",
    "remove_tag",
    "reveal",
    "save_group",
    "save_tag",
    "save_view",
    "touch",
    "versions",
]
