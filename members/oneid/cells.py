"""`members.identities`, a column at a time: ten million cells pass here."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from members import identities
from members.identities import KINDS
from members.oneid.rules import Reading

TEXT = pa.string()


def normalised(kind: str, column: pa.Array) -> pa.Array:
    """`identities.normalise` of folded, trimmed text; what is left empty becomes null."""
    for pattern, replacement in identities.steps(kind):
        column = pc.replace_substring_regex(column, pattern, replacement)
    fold = KINDS[kind].fold
    column = pc.utf8_lower(column) if fold == "lower" else pc.utf8_upper(column) if fold == "upper" else column
    column = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, TEXT), column)


def hollow(kind: str, values: pa.Array, reading: Reading | None) -> Any:
    """Which values name nobody: 11111111111, noreply@…, 无."""
    pattern = reading.hollow[kind] if reading else identities.hollow(kind)
    return pc.fill_null(pc.match_substring_regex(values, pattern), False)


def scoped(kind: str, values: pa.Array, reading: Reading | None) -> pa.Array:
    """Values with what they belong to, unless they say so themselves."""
    scope = reading.scopes.get(kind) if reading else None
    if not scope:
        return values
    says = pc.match_substring(values, "@")
    return pc.if_else(says, values, pc.binary_join_element_wise(values, scope, "@"))
