"""A member's habits: when they are about, where they buy, what they look for."""
