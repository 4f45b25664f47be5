"""Declared models over members: what they learn from, how good they were on purchases they had not seen, and their scores."""
