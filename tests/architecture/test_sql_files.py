"""Every statement under */sql/ is understood by PostgreSQL with today's tables.

A file with {slots} gives a sample for each in a comment, `-- sample {audience} = SELECT 1::bigint`,
so that it can be tried too. A file that cannot be (tables made at run time) says why:
`-- not prepared: reads a staging table made by each import`.
"""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from psycopg2 import errors

ROOT = Path(settings.BASE_DIR)
FILES = sorted(path.relative_to(ROOT) for path in [*ROOT.glob("*/sql/*.sql"), *ROOT.glob("scrm/*/sql/*.sql")])
PARAMETER = re.compile(r"%\((\w+)\)s")
SAMPLE = re.compile(r"^--\s*sample\s*\{(\w+)\}\s*=\s*(.+)$", re.MULTILINE)
EXCUSE = re.compile(r"^--\s*not prepared:\s*(\S.{8,})$", re.MULTILINE)
# The driver sends typed literals; a bare $1 may be too vague where those are not.
TOO_VAGUE = (errors.IndeterminateDatatype, errors.AmbiguousFunction, errors.AmbiguousParameter, errors.UndefinedFunction)


def test_there_are_statements() -> None:
    assert FILES


@pytest.mark.parametrize("file", FILES, ids=str)
def test_a_statement_says_what_it_is_for(file: Path) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    header = [line for line in _header(text) if not SAMPLE.match(line) and not EXCUSE.match(line)]
    assert header, "the first line is a comment that says what the statement does"
    assert len(header) <= 5, "at most five lines of header; more is documentation"
    assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)+\.sql", file.name), "named verb_noun.sql"
    assert ";" not in _statement(text).rstrip().rstrip(";"), "one statement per file"


@pytest.mark.django_db
@pytest.mark.parametrize("file", FILES, ids=str)
def test_postgres_understands(file: Path) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    if excuse := EXCUSE.search(text):
        pytest.skip(excuse[1])
    statement = _filled(text).rstrip().rstrip(";")
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"PREPARE tried AS {_numbered(statement)}")
            cursor.execute("DEALLOCATE tried")
    except DatabaseError as error:
        if isinstance(error.__cause__, errors.DatatypeMismatch):
            pytest.fail(f"cast the parameter in the file, as %(pool_id)s::bigint: {error}")
        if not isinstance(error.__cause__, TOO_VAGUE):
            raise
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("EXPLAIN " + PARAMETER.sub("NULL", statement).replace("%%", "%"))


def _header(text: str) -> list[str]:
    lines = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line)
    return lines


def _statement(text: str) -> str:
    without_strings = re.sub(r"'(?:[^']|'')*'", "''", re.sub(r"--[^\n]*", "", text))
    return re.sub(r"\$\$.*?\$\$", "''", without_strings, flags=re.DOTALL)


def _filled(text: str) -> str:
    samples = dict(SAMPLE.findall(text))
    body = re.sub(r"--[^\n]*", "", text)
    missing = set(re.findall(r"(?<!\{)\{(\w+)\}(?!\})", body)) - set(samples)
    assert not missing, f"give a sample for {', '.join(sorted(missing))}: -- sample {{name}} = SQL"
    for name, sample in samples.items():
        body = re.sub(r"(?<!\{)\{" + name + r"\}(?!\})", lambda _, sample=sample: sample, body)
    return body.replace("{{", "{").replace("}}", "}") if samples else body


def _numbered(statement: str) -> str:
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    return PARAMETER.sub(number, statement).replace("%%", "%")
