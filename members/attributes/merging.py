"""What somebody says about a member's own values, joined with what is known."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from members.attributes import queries, values
from members.importing.codes import sentence
from members.models import Pool
from scrm.lib.problems import Problem

MOST_FREE = 200  # characters of a key nobody declared


def merged(pool: Pool | int, known: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """`known` with what is given: null takes a value away, what is not mentioned stays.

    Raises Problem "attribute.invalid" that names each value its field refuses. Keys that nobody
    declared take a text, a number or yes and no.
    """
    fields = queries.by_key(pool)
    found, bad = dict(known), dict[str, list[str]]()
    for key, said in given.items():
        try:
            value = values.accept(fields[key], said) if key in fields else _free(key, said)
        except values.Bad as refused:
            bad[key] = [_("%(field)s：%(why)s") % {"field": fields.get(key, key), "why": sentence(refused.code)}]
            continue
        found.pop(key, None)
        if value is not None:
            found[key] = value
    if bad:
        raise Problem("attribute.invalid", next(iter(bad.values()))[0], {"attributes": bad})
    return found


def _free(key: str, said: Any) -> Any:
    if not key or len(key) > MOST_FREE:
        raise values.Bad("too_long")
    if isinstance(said, str):
        said = said.strip()
        if "\x00" in said:
            raise values.Bad("not_a_text")
        if len(said) > values.MOST_TEXT:
            raise values.Bad("too_long")
        return said or None
    if said is None or isinstance(said, int | float | bool):
        return said
    raise values.Bad("not_a_text")


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Key → old and new value, of what differs."""
    keys = sorted({*before, *after})
    return {key: [before.get(key), after.get(key)] for key in keys if before.get(key) != after.get(key)}
