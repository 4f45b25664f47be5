"""Keyset paging: a cursor over the primary key, equally fast on page 1 and page 10,000."""

from rest_framework.pagination import CursorPagination


class KeysetPagination(CursorPagination):
    """`?cursor=…&limit=…` (at most 200); a viewset may set its own `ordering`."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering = "pk"

    def get_ordering(self, request, queryset, view):  # type: ignore[no-untyped-def]
        chosen = getattr(view, "ordering", None)
        return (chosen,) if isinstance(chosen, str) else tuple(chosen or (self.ordering,))
