"""Every statement under */sql/ is understood by PostgreSQL with today's tables.

A file with {slots} may give a sample for each in a comment, `-- sample {audience} = SELECT 1::bigint`,
so that it can be tried too. A file that cannot be tried says why:
`-- not prepared: reads a staging table made by each import`.
Temporary tables that an app's own files make are made first.
"""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from psycopg2 import errors

ROOT = Path(settings.BASE_DIR)
FILES = sorted(path.relative_to(ROOT) for path in [*ROOT.glob("*/sql/**/*.sql"), *ROOT.glob("scrm/*/sql/**/*.sql")])
PARAMETER = re.compile(r"%\((\w+)\)s")
SAMPLE = re.compile(r"^--\s*sample\s*\{(\w+)\}\s*=\s*(.+)$", re.MULTILINE)
EXCUSE = re.compile(r"^--\s*not prepared:\s*(\S.{8,})$", re.MULTILINE)
TEMPORARY = re.compile(r"CREATE\s+(TEMP|UNLOGGED)", re.IGNORECASE)
# The driver sends literals that carry a type; a bare $1 may be too vague where those are not.
TOO_VAGUE = (errors.IndeterminateDatatype, errors.AmbiguousFunction, errors.AmbiguousParameter, errors.UndefinedFunction)
TOO_VAGUE += (errors.DatatypeMismatch, errors.InvalidTextRepresentation)
INSTANT = re.compile(
    r"(as_of|now|at|since|until|before|after|from|to|start|end|due|begin|upto|horizon)$|^(as_of|since|until|after|before)"
)

SPAN = re.compile(r"(lease|window|within|grace|gap|span|wait|delay|age|interval|ttl|pause)$")


def test_there_are_statements() -> None:
    assert FILES


@pytest.mark.parametrize("file", FILES, ids=str)
def test_a_statement_says_what_it_is_for(file: Path) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    header = [line for line in _header(text) if not SAMPLE.match(line) and not EXCUSE.match(line)]
    assert header, "the first line is a comment that says what the statement does"
    assert len(header) <= 5, "at most five lines of header; more is documentation"
    assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)+\.sql", file.name), "named verb_noun.sql"
    body = _statement(text).strip()
    assert TEMPORARY.match(body) or ";" not in body.rstrip(";"), "one statement per file"


@pytest.mark.django_db
@pytest.mark.parametrize("file", FILES, ids=str)
def test_postgres_understands(file: Path) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    if excuse := EXCUSE.search(text):
        pytest.skip(excuse[1])
    missing = _slots(text) - set(dict(SAMPLE.findall(text)))
    assert not missing, f"a sample, or a reason why it is not prepared, for {', '.join(sorted(missing))}"
    _make_temporary_tables(file)
    statement = _filled(text).strip().rstrip(";")
    if TEMPORARY.match(statement):
        return  # made above
    try:
        _run(f"PREPARE tried AS {_numbered(statement)}", "DEALLOCATE tried")
    except DatabaseError as error:
        if not isinstance(error.__cause__, TOO_VAGUE):
            raise
        _explain(statement)


def _run(*statements: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _make_temporary_tables(file: Path) -> None:
    for other in sorted((ROOT / file).parent.glob("*.sql")):
        text = other.read_text(encoding="utf-8")
        if TEMPORARY.match(_body(text).strip()) and not _slots(text) - set(dict(SAMPLE.findall(text))):
            _run(PARAMETER.sub("NULL", _filled(text)))


def _explain(statement: str) -> None:
    """With literals as the driver writes them; what cannot be told from a name is tried as null, number and text."""
    for other in ("NULL", "1"):
        try:
            return _run("EXPLAIN " + _with_literals(statement, other))
        except DatabaseError as error:
            if not isinstance(error.__cause__, TOO_VAGUE):
                raise
    _run("EXPLAIN " + _with_literals(statement, "'1'"))


def _with_literals(statement: str, other: str) -> str:
    def literal(match: re.Match[str]) -> str:
        if statement[match.end() :].startswith("::"):
            return "NULL"  # the cast says it all
        if SPAN.search(match[1]):
            return "'1 hour'::interval"
        return "'2026-11-01'::timestamptz" if INSTANT.search(match[1]) else other

    return PARAMETER.sub(literal, statement).replace("%%", "%")


def _body(text: str) -> str:
    return re.sub(r"--[^\n]*", "", text)


def _slots(text: str) -> set[str]:
    return set(re.findall(r"(?<!\{)\{(\w+)\}(?!\})", _body(text)))


def _header(text: str) -> list[str]:
    lines = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line)
    return lines


def _statement(text: str) -> str:
    without_strings = re.sub(r"'(?:[^']|'')*'", "''", _body(text))
    return re.sub(r"\$\$.*?\$\$", "''", without_strings, flags=re.DOTALL)


def _filled(text: str) -> str:
    samples = dict(SAMPLE.findall(text))
    body = _body(text)
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
