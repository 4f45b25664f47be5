"""Pages of staff and of hand-overs."""
