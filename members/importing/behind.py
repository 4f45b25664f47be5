"""The members behind an import, as a filter of the member list: whom the file named, while the import is remembered."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pyroaring import BitMap

from members import filters
from members.bulk import packing
from members.importing import journal
from members.models import ImportRun, Pool

PARTS = {ImportRun.Kind.MEMBERS: "members"}  # people of a file of members; of other files, the rows as they were written


def _remembered(pool: Pool) -> list[ImportRun]:
    runs = ImportRun.objects.filter(pool=pool, journal__has_key="volumes").order_by("-pk")
    return [run for run in runs[:50] if journal.volumes(run)]


def _run(pool: Pool, value: str) -> ImportRun:
    found = next((run for run in _remembered(pool) if str(run.pk) == value), None)
    if found is None:
        raise ValueError(_("没有这次导入，或已过了 24 小时"))
    return found


def members_of(pool: Pool, value: str) -> BitMap:
    """`?import=12`: everybody the file of import 12 named; ValueError once it is forgotten."""
    run, found = _run(pool, value), BitMap()
    part = PARTS.get(ImportRun.Kind(run.kind), "ready")
    for volume in journal.volumes(run):
        if volume.has(part):
            found |= packing.members_of(packing.rows_of("members/importing/list_named_members", {}, table=volume.table(part)))
    return found


def options(pool: Pool) -> list[tuple[int, str]]:
    """Imports of the last day that brought people."""
    return [
        (run.pk, f"{run.file_name} · {run.get_kind_display()}")
        for run in _remembered(pool)
        if run.kind != ImportRun.Kind.PRODUCTS
    ]


filters.register(
    "import",
    gettext_lazy("最近导入"),
    members_of,
    lambda pool, value: _run(pool, value).file_name,
    options=options,
    group="source",
)
