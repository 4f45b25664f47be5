"""Writes about members. What belongs to one noun stands in its own module and is re-exported here."""

from members.versions import bump, versions

__all__ = ["bump", "versions"]
