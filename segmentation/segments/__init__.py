"""Segments: named parts of a pool, by rule, list or snapshot; how they were, what they share, who needs them."""
