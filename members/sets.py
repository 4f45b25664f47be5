"""Sets of members on their way between Python and SQL: bitmaps there, arrays here."""

from array import array as array_of
from collections.abc import Iterable
from typing import Any

import numpy as np
from django.db.models import Aggregate, BigIntegerField, BinaryField, Lookup, QuerySet
from pyroaring import BitMap

from members.models import Member


class Packed(Aggregate):
    """All ids of a group, eight bytes each: a million ids arrive as one value."""

    function = "string_agg"
    template = "%(function)s(int8send(%(expressions)s), '')"
    output_field = BinaryField()


@BigIntegerField.register_lookup
class AnyOf(Lookup):
    """`id__any_of=ids`: one array parameter however many there are."""

    lookup_name = "any_of"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        lhs, params = self.process_lhs(compiler, connection)
        return f"{lhs} = ANY(%s::bigint[])", [*params, array(self.rhs)]


def array(ids: Iterable[int]) -> str:
    """Ids as an array literal, which PostgreSQL reads faster than a list of constants."""
    return "{" + ",".join(map(str, ids)) + "}"


def ids_of(members: QuerySet[Member]) -> BitMap:
    """The ids a query selects, in one value."""
    return unpacked(members.order_by().aggregate(packed=Packed("id"))["packed"])


def unpacked(packed: bytes | memoryview | None) -> BitMap:
    """What `Packed` sent."""
    return of_array(np.frombuffer(packed or b"", dtype=">i8"))


def unpacked_short(packed: bytes | memoryview | None) -> BitMap:
    """Ids that were sent in four bytes each."""
    return of_array(np.frombuffer(packed or b"", dtype=">u4"))


def of_array(ids: "np.ndarray[Any, Any]") -> BitMap:
    """Ids as a bitmap; an array.array is the constructor's fast path, by far."""
    return BitMap(array_of("I", ids.astype(np.uint32, copy=False).tobytes()))
