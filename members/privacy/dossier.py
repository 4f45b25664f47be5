"""Everything there is about one person, for that person: JSON and CSV for programs, a page for people, in one ZIP."""

import csv
import io
import json
import os
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import models
from django.template.loader import render_to_string

from members import identities
from members.merging import tables
from members.models import ExportRequest, Identity, Member, Merge
from members.privacy import sealing
from members.privacy.deciding import Person
from members.privacy.erasing import person_of
from scrm.jobs.running import RunningJob
from scrm.lib import clock, crypto
from scrm.lib.export import safe

HIDDEN = ("value_hash", "sealed", "lease_token", "lease_until", "cause_hash", "digest")
ROWS_IN_PAGE = 200
Row = dict[str, Any]


def write(path: Path, export: ExportRequest, running: RunningJob) -> int:
    """Write the archive; how many rows it holds. Begun again, it is written anew."""
    member = Member.objects.get(pk=export.chosen["person"], pool=export.pool)
    person = person_of(export.pool_id, member.pk)
    parts, count = list(sections(person)), 0
    beside = path.with_suffix(".part")
    with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
        shown = []
        for number, (label, title, rows) in enumerate(parts):
            found = list(rows)
            count += len(found)
            if found:
                name = label.lower().replace(".", "_")
                archive.writestr(f"json/{name}.json", _json(found))
                archive.writestr(f"csv/{name}.csv", _csv(found))
                shown.append((title, name, len(found), list(found[0]), [list(row.values()) for row in found[:ROWS_IN_PAGE]]))
            running.checkpoint(done=number + 1, total=len(parts), phase=label)
        told = {"export": export, "member": member, "parts": shown, "now": clock.now(), "shown": ROWS_IN_PAGE}
        archive.writestr("README.html", render_to_string("privacy/dossier.html", told))
        archive.writestr("about.json", _json(_about(export, shown)))
    os.chmod(beside, 0o600)
    os.replace(beside, path)
    return count


def _about(export: ExportRequest, shown: list[Any]) -> Any:
    return {
        "export": export.pk,
        "made_at": clock.now(),
        "requested_by": str(export.requester),
        "purpose": export.purpose,
        "reason": export.reason,
        "tables": {name: count for _title, name, count, _heads, _rows in shown},
    }


def sections(person: Person) -> Iterator[tuple[str, str, Iterator[Row]]]:
    """The member, then every table that holds rows of members: label, title, rows."""
    members = Member.objects.filter(pk__in=person.numbers).order_by("pk")
    yield "members.Member", str(Member._meta.verbose_name), _rows(Member, members)
    pairs = Merge.objects.filter(models.Q(winner_id__in=person.numbers) | models.Q(loser_id__in=person.numbers))
    yield "members.Merge", str(Merge._meta.verbose_name), _rows(Merge, pairs)
    for held in tables():
        model = apps.get_model(held.label)
        column = next(field.name for field in model._meta.local_concrete_fields if field.column == held.member)
        rows = model._default_manager.filter(**{f"{column}__in": person.numbers})
        yield held.label, str(model._meta.verbose_name), _rows(model, rows.order_by(*_order(model)))


def _order(model: type[models.Model]) -> list[str]:
    return [field.name for field in model._meta.pk_fields]


def _rows(model: type[models.Model], rows: Any) -> Iterator[Row]:
    fields = [field for field in model._meta.local_concrete_fields if field.name not in HIDDEN]
    opened = {each.column: each for each in sealing.columns if each.label == model._meta.label}
    for row in rows.iterator(chunk_size=2000):
        said = {field.column: _value(row, field) for field in fields if not isinstance(field, models.BinaryField)}
        if isinstance(row, Identity):
            said["value"] = identities.plain(row)
        yield said | {name: _opened(row, each) for name, each in opened.items() if name != "sealed"}


def _value(row: Any, field: Any) -> Any:
    value = getattr(row, field.attname)
    return row._get_FIELD_display(field) if field.choices and value is not None else value


def _opened(row: Any, each: sealing.Sealed) -> str | None:
    value = getattr(row, each.column)
    return crypto.decrypt(value, each.context({name: getattr(row, name) for name in each.needs})) if value else None


def _json(given: Any) -> str:
    return json.dumps(given, ensure_ascii=False, indent=1, default=_plain)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _csv(rows: list[Row]) -> str:
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow([safe(name) for name in rows[0]])
    for row in rows:
        writer.writerow(["" if value is None else safe(_cell(value)) for value in row.values()])
    return out.getvalue()


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
