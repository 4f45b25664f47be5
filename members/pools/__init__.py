"""Pools themselves: made, named, given targets, put away."""
