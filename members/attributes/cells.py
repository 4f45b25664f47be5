"""A column of a file as values of a field: each different text is read once, however often it stands there."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from members.attributes.values import Bad, Value, reader
from members.models import AttributeField

Judged = tuple[list[Value], list[tuple[Any, str]]]  # values in the order of the rows; masks of bad rows with their code


def read(field: AttributeField, column: pa.Array) -> Judged:
    """The values of a cleaned column (null where empty or bad), and what is bad in it."""
    coded, take = column.dictionary_encode(), reader(field)
    values: list[Value] = []
    codes: list[str | None] = []
    for word in coded.dictionary.to_pylist():
        value, code = _one(take, word)
        values.append(value)
        codes.append(code)
    said = [None if place is None else values[place] for place in coded.indices.to_pylist()]
    if not any(codes):
        return said, []
    found = pa.array(codes, pa.string()).take(coded.indices)
    return said, [(pc.fill_null(pc.equal(found, code), False), code) for code in dict.fromkeys(filter(None, codes))]


def _one(take: Any, word: str) -> tuple[Value, str | None]:
    try:
        return take(word), None
    except Bad as bad:
        return None, bad.code
