"""Copies of personal data outside of the tables: uploads, exports, and what upper apps keep in files.

@place("inbox")
def mails(person: Person) -> int: ...      # how many files are gone
"""

import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from django.conf import settings
from django.utils.translation import gettext as _

from members import exporting
from members.models import ExportRequest, ImportRun
from members.privacy.deciding import Person
from scrm.lib.problems import Problem
from scrm.lib.registry import Registry

BLOCK, OVERLAP = 1 << 20, 1 << 10
ENCODINGS = ("utf-8", "gb18030", "utf-16-le")
GAPS = rb"[\s().\x00-]{0,2}"

Remover = Callable[[Person], int]
places: Registry[Remover] = Registry("place of copies")


def place(key: str) -> Callable[[Remover], Remover]:
    """Declare files that may hold a person's data, by what removes them."""
    return places.register(key)


def remove(person: Person) -> dict[str, int]:
    """Every file that mentions the person; how many of each kind."""
    return {key: function(person) for key, function in places.items()}


# -- Looking into files --------------------------------------------------------------------------
def pattern(person: Person) -> "re.Pattern[bytes] | None":
    """Whatever the person can be recognised by, as files write it; digits also with gaps between them."""
    found: list[bytes] = []
    for value in (*person.values, *person.names):
        if len(value) < 2:
            continue
        if value.isascii() and value.isdigit():
            found.append(GAPS.join(re.escape(digit.encode()) for digit in value))
        else:
            found += {re.escape(value.encode(encoding, "ignore")) for encoding in ENCODINGS} - {b""}
    return re.compile(b"|".join(found), re.IGNORECASE) if found else None


def mentions(path: Path, wanted: "re.Pattern[bytes]") -> bool:
    """Whether a file, or a part of an archive, says it; what cannot be looked into is taken to say it."""
    if path.suffix == ".parquet":
        return True
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return any(_in(part, wanted) for part in _parts(archive))
        with path.open("rb") as file:
            return _in(file, wanted)
    except (zipfile.BadZipFile, RuntimeError):
        return True


def _parts(archive: zipfile.ZipFile) -> Iterator[IO[bytes]]:
    for name in archive.namelist():
        with archive.open(name) as part:
            yield part


def _in(file: IO[bytes], wanted: "re.Pattern[bytes]") -> bool:
    before = b""
    while block := file.read(BLOCK):
        if wanted.search(before + block):
            return True
        before = block[-OVERLAP:]
    return False


# -- Exports -------------------------------------------------------------------------------------
@place("exports")
def exports(person: Person) -> int:
    """Lists and dossiers with the person in them: the files go, the requests stay as a record of who asked why."""
    rows = ExportRequest.objects.filter(pool_id=person.pool_id)
    # Those still being made as well: their job finds no file any more and says so.
    alive = rows.filter(status__in=[ExportRequest.Status.APPROVED, ExportRequest.Status.DONE])
    made = [row for row in alive if _holds(row, person)]
    about = [row for row in rows.filter(chosen__has_key="person") if row.chosen["person"] in person.numbers]
    named = [row for row in rows.filter(chosen__has_key="ids") if set(row.chosen["ids"]) & set(person.numbers)]
    gone = {row.pk: row for row in (*made, *about, *named)}
    for row in gone.values():
        exporting.forget(row)
    return len(gone)


def _holds(row: ExportRequest, person: Person) -> bool:
    path = exporting.path_of(row)
    if not path.exists():
        return False
    numbers = b"|".join(str(number).encode() for number in person.numbers)
    own = re.compile(rb"(?:^|[\r\n>\"])(?:" + numbers + rb")(?:[,<\"]|$)")
    wanted = pattern(person)
    return mentions(path, own) or (wanted is not None and mentions(path, wanted))


# -- Uploads -------------------------------------------------------------------------------------
@place("uploads")
def uploads(person: Person) -> int:
    """Uploaded files that name the person. An import that is under way has to end first."""
    wanted = pattern(person)
    home = Path(settings.MEDIA_ROOT) / "imports" / str(person.pool_id)
    known = {run.path: run for run in ImportRun.objects.filter(pool_id=person.pool_id)}
    count = 0
    for path in [each for each in (home.rglob("*") if home.exists() else ()) if each.is_file()]:
        if wanted is None or not mentions(path, wanted):
            continue
        run = known.get(str(path.relative_to(settings.MEDIA_ROOT)))
        if run is not None and run.status in (ImportRun.Status.IMPORTING, ImportRun.Status.CHECKING):
            raise Problem(
                "erase.import_open", _("文件「%(name)s」正在导入，且含有此人的数据；请等它结束后重试") % {"name": run.file_name}
            )
        path.unlink(missing_ok=True)
        count += 1
    return count
