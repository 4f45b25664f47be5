"""From a part of a chart to the members behind it."""

from django.urls import reverse


def members(query: str) -> str:
    """The member list narrowed by a query string."""
    return f"{reverse('members:list')}?{query}"
