"""Telling other systems who entered and left a segment.

A change of membership writes what it owes to each hook in its own transaction (`owing`); a worker sends it in order,
signed, until it is taken (`sending`). Losing a worker loses nothing, and repeats carry the same key.
"""
