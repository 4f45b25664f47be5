"""How a file's columns are read, from wherever that is known: a mapping the pool kept, the last file with the same headings,
a platform's preset, or a guess by the headings alone."""

from dataclasses import dataclass, replace
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404

from members.attributes import queries as own_fields
from members.importing import fields, presets
from members.importing.codes import problem
from members.importing.presets import Preset
from members.models import Channel, ImportRun, Pool, SavedMapping
from scrm.lib import formats
from scrm.staff.audit import audit
from scrm.staff.models import User

# Options that belong to a way of reading.
KEPT = ("date_order", "unit", "decimal", "words", "unknown_products", "unknown_staff", "unknown_stores", "rows", "negative")
ALIKE = 0.8


@dataclass(frozen=True)
class Reading:
    """A mapping with what belongs to it, and where it comes from (`applied`, shown to people)."""

    mapping: dict[str, str]
    options: dict[str, Any]
    channel: Channel | None
    applied: dict[str, Any]


# -- Choosing --------------------------------------------------------------------------------------
def choose(pool: Pool, kind: str, columns: list[str], channel: Channel | None) -> Reading:
    """The best known way of reading a file with these headings."""
    return _with_declared(pool, kind, columns, _choose(pool, kind, columns, channel))


def _with_declared(pool: Pool, kind: str, columns: list[str], reading: Reading) -> Reading:
    """Columns still free that bear the name of a field the pool declares for itself go there."""
    if kind != ImportRun.Kind.MEMBERS:
        return reading
    free = [column for column in columns if column not in reading.mapping.values()]
    names = {f"{fields.ATTRIBUTE}{each.key}": [each.key, each.label, each.label_en] for each in own_fields.fields_of(pool)}
    return replace(reading, mapping=fields.pick(names, free) | reading.mapping)


def _choose(pool: Pool, kind: str, columns: list[str], channel: Channel | None) -> Reading:
    if saved := _saved_match(pool, kind, columns):
        return from_saved(saved, kind, columns)
    if last := _last_alike(pool, kind, columns):
        return from_run(last, columns)
    # Headings that many tools share prove no platform: such a preset waits to be chosen, or for its channel to be.
    code = channel.code if channel else ""
    for found in presets.matches(columns, kind, code):
        if found.preset.sure or found.preset.channel == code:
            reading = from_preset(found.preset, columns, score=found.percent)
            return reading if found.preset.sure else replace(reading, options={"words": found.preset.words})
    return Reading(fields.suggest(kind, columns), {}, None, {"by": "guess"})


def _own(columns: list[str]) -> list[str]:
    return [column for column in columns if column not in fields.ours()]


def saved_matches(pool: Pool, kind: str, columns: list[str]) -> list[SavedMapping]:
    """Kept mappings whose columns the file has, the most alike first."""
    have = set(_own(columns))

    def likeness(saved: SavedMapping) -> float:
        return len(have & set(saved.columns)) / max(1, len(have | set(saved.columns)))

    fit = [each for each in saved_mappings(pool).filter(kind=kind) if set(each.mapping.values()) <= have]
    return sorted(fit, key=likeness, reverse=True)


def _saved_match(pool: Pool, kind: str, columns: list[str]) -> SavedMapping | None:
    have = set(_own(columns))
    for saved in saved_matches(pool, kind, columns):
        if len(have & set(saved.columns)) / max(1, len(have | set(saved.columns))) >= ALIKE:
            return saved
    return None


def _last_alike(pool: Pool, kind: str, columns: list[str]) -> ImportRun | None:
    runs = ImportRun.objects.filter(pool=pool, kind=kind, status=ImportRun.Status.DONE, columns=_own(columns))
    return runs.exclude(options__has_key="api").select_related("channel").order_by("-pk").first()


def from_preset(preset: Preset, columns: list[str], *, score: int | None = None) -> Reading:
    """As a platform's preset says, and by the headings where it says nothing."""
    mapping = preset.mapping(columns)
    taken = set(mapping.values())
    guessed = fields.suggest(preset.kind, [column for column in columns if column not in taken])
    options = {**preset.options, "words": preset.words}
    applied = {"by": "preset", "key": preset.key, **({"score": score} if score is not None else {})}
    return Reading(guessed | mapping, options, Channel.objects.filter(code=preset.channel).first(), applied)


def from_saved(saved: SavedMapping, kind: str, columns: list[str]) -> Reading:
    """As the pool kept it; columns that the file lacks are left out."""
    mapping = {key: column for key, column in saved.mapping.items() if column in columns}
    return Reading(mapping, dict(saved.options), saved.channel, {"by": "saved", "id": saved.pk, "name": saved.name})


def from_run(run: ImportRun, columns: list[str]) -> Reading:
    """As an earlier file was read."""
    mapping = {key: column for key, column in run.mapping.items() if column in columns}
    options = {key: run.options[key] for key in KEPT if key in run.options}
    return Reading(mapping, options, run.channel, {"by": "last", "id": run.pk, "name": run.file_name})


# -- Kept mappings ---------------------------------------------------------------------------------
def saved_mappings(pool: Pool) -> QuerySet[SavedMapping]:
    """The pool's kept mappings by name."""
    return SavedMapping.objects.filter(pool=pool).select_related("channel", "actor").order_by("name")


def saved_of(pool: Pool, pk: str) -> SavedMapping:
    """One of the pool's kept mappings, or 404."""
    return get_object_or_404(saved_mappings(pool), pk=pk if pk.isdecimal() and len(pk) < 19 else 0)


def named(pool: Pool, name: str) -> SavedMapping:
    """One of the pool's kept mappings by its name; raises Problem when there is none."""
    if (saved := saved_mappings(pool).filter(name=name).first()) is None:
        raise problem("no_such_mapping", name=name)
    return saved


@transaction.atomic
def keep(
    *,
    pool: Pool,
    name: str,
    kind: str,
    mapping: dict[str, str],
    columns: list[str],
    options: dict[str, Any] | None = None,
    channel: Channel | None = None,
    actor: User | None = None,
) -> SavedMapping:
    """Keep a way of reading under a name; one of the same name and kind is replaced. Raises Problem when it cannot work."""
    name = name.strip()
    if not name:
        raise problem("nameless")
    known = fields.fields_of(kind)
    if stray := [key for key in mapping if key not in known and not key.startswith(fields.ATTRIBUTE)]:
        raise problem("unknown_fields", fields=", ".join(stray))
    if lacking := fields.missing(kind, mapping):
        raise problem("missing_columns", columns=formats.listed(lacking))
    if SavedMapping.objects.filter(pool=pool, name=name).exclude(kind=kind).exists():
        raise problem("name_taken", name=name)
    saved, made = SavedMapping.objects.update_or_create(
        pool=pool,
        name=name,
        defaults={
            "kind": kind,
            "mapping": mapping,
            "columns": _own(columns),
            "options": {key: value for key, value in (options or {}).items() if key in KEPT},
            "channel": channel,
            "actor": actor,
        },
    )
    audit(actor=actor, action="mapping.keep" if made else "mapping.replace", target=saved, pool_id=pool.pk, name=name, kind=kind)
    return saved


@transaction.atomic
def rename(*, saved: SavedMapping, name: str, actor: User | None) -> SavedMapping:
    """Another name for a kept mapping."""
    before, saved.name = saved.name, name.strip()
    if not saved.name:
        raise problem("nameless")
    try:
        with transaction.atomic():
            saved.save(update_fields=["name", "updated_at"])
    except IntegrityError as error:
        raise problem("name_taken", name=saved.name) from error
    audit(actor=actor, action="mapping.rename", target=saved, pool_id=saved.pool_id, before=before, name=saved.name)
    return saved


@transaction.atomic
def forget(*, saved: SavedMapping, actor: User | None) -> None:
    """Delete a kept mapping; imports that used it keep what they were read by."""
    audit(actor=actor, action="mapping.forget", target=saved, pool_id=saved.pool_id, name=saved.name)
    saved.delete()
