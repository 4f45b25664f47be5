"""Stores: what orders name by a code, with a place, people and members of their own."""
