"""Refused rows as a file to be corrected and uploaded again: the original columns, then line, column, code and sentence."""

from collections.abc import Iterator
from itertools import groupby

from members.importing import codes, fields
from members.models import ImportReject, ImportRun
from scrm.lib.export import Column


def columns(run: ImportRun) -> list[Column]:
    """The file's columns and ours; ours are not mistaken for data when the file comes back."""
    return [*(Column(name) for name in file_columns(run)), *(Column(name) for name in fields.own_headings())]


def file_columns(run: ImportRun) -> list[str]:
    """The file's own columns: one that came back corrected has ours as well."""
    return [name for name in run.columns if name not in fields.ours()]


def rows(run: ImportRun) -> Iterator[list[str]]:
    """One row per refused line, with all that is wrong with it."""
    found = ImportReject.objects.filter(run=run).order_by("line", "pk").iterator(chunk_size=2000)
    width = len(run.columns)
    kept = [place for place, name in enumerate(run.columns) if name not in fields.ours()]
    for line, group in groupby(found, key=lambda reject: reject.line):
        wrong = list(group)
        cells = [str(cell) for cell in wrong[0].row]
        cells = (cells + [""] * width)[:width]
        yield [
            *(cells[place] for place in kept),
            str(line),
            "; ".join(dict.fromkeys(each.column for each in wrong if each.column)),
            "; ".join(dict.fromkeys(each.code for each in wrong)),
            "; ".join(dict.fromkeys(codes.sentence(each.code) for each in wrong)),
        ]
