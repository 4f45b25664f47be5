"""Who works in a pool, and as what."""
