"""Every row of a member is keyed by the member first, so that a pool can be spread over machines by member.

What is not keyed so stands in `EXCEPT`, with the reason (docs: the registry of identities, logs, queues).
"""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db import models

from members.models import Member

OURS = ("staff", "jobs", "members", "touchpoints", "loyalty", "segmentation", "campaigns", "insights")
MODELS = [model for app in OURS for model in apps.get_app_config(app).get_models(include_auto_created=True)]

EXCEPT = {
    "members.Member": "the member itself: its key is the member",
    "members.Identity": "the registry (pool, kind, value) → member: who a value belongs to is asked before the member is known",
    "members.Merge": "a log of pairs: a row belongs to two members",
    "touchpoints.Receipt": "a log of what came from outside, once per content, before anything is known to be a member's",
}


def member_column(model: type[models.Model]) -> str | None:
    """The column that says whose row it is: a key to Member, or a number called after one."""
    for field in model._meta.concrete_fields:
        if field.is_relation and field.related_model is Member:
            return str(field.attname)
    numbers = [field.attname for field in model._meta.concrete_fields if field.attname in ("member_id", "winner_id", "loser_id")]
    return numbers[0] if numbers else None


def key(model: type[models.Model]) -> list[str]:
    """Columns of the primary key, in their order."""
    primary = model._meta.pk
    names = primary.field_names if isinstance(primary, models.CompositePrimaryKey) else (primary.name,)
    return [model._meta.get_field(name).attname for name in names]


def uniques(model: type[models.Model]) -> Iterator[list[str]]:
    """Columns of every other thing that must be unique."""
    options = model._meta
    groups = [constraint.fields for constraint in options.constraints if isinstance(constraint, models.UniqueConstraint)]
    groups += [tuple(group) for group in options.unique_together]
    groups += [(field.name,) for field in options.concrete_fields if field.unique and not field.primary_key]
    for group in groups:
        yield [options.get_field(name).attname for name in group]


MEMBERS = [model for model in MODELS if member_column(model)]


@pytest.mark.parametrize("model", MEMBERS, ids=lambda model: model._meta.label)
def test_a_members_row_is_keyed_by_the_member_first(model: type[models.Model]) -> None:
    if model._meta.label in EXCEPT:
        return
    column = member_column(model)
    assert column is not None
    assert key(model)[0] == column, f"the primary key is ({', '.join(key(model))}): it must begin with {column}"
    assert not model._meta.get_field(column).null, "a row of nobody cannot be placed"
    for group in uniques(model):
        assert column in group, f"unique ({', '.join(group)}) does not contain {column}: no machine alone could hold to it"


def test_every_table_of_facts_is_looked_at() -> None:
    assert len(MEMBERS) >= 15
    assert {"members.Order", "members.Event", "touchpoints.Delivery", "loyalty.Entry", "campaigns.Participant"} <= {
        model._meta.label for model in MEMBERS
    }


def test_no_exception_is_left_over() -> None:
    """An exception that is none any more would hide the next one."""
    labels = {model._meta.label for model in MODELS}
    assert set(EXCEPT) <= labels
    needless = [
        model._meta.label
        for model in MEMBERS
        if model._meta.label in EXCEPT
        and key(model)[0] == member_column(model)
        and all(member_column(model) in group for group in uniques(model))
    ]
    assert not needless


@pytest.mark.parametrize("model", MEMBERS, ids=lambda model: model._meta.label)
def test_members_tables_join_through_the_member(model: type[models.Model]) -> None:
    """No foreign key from one member's row to another by one column: it could not be placed beside it."""
    partners = {other for other in MEMBERS if other is not Member and other._meta.label not in EXCEPT}
    single = [field.name for field in model._meta.concrete_fields if field.is_relation and field.related_model in partners]
    assert not single, f"{model._meta.label} points at a member's rows by one column: {', '.join(single)}"


@pytest.mark.django_db
@pytest.mark.parametrize("model", MEMBERS, ids=lambda model: model._meta.label)
def test_the_database_agrees(model: type[models.Model]) -> None:
    """What the models say is what the tables have, also where migrations are written by hand."""
    from scrm.lib import sql

    if model._meta.label in EXCEPT:
        return
    found = sql.fetch(
        """
        SELECT i.indisprimary, array_agg(a.attname::text ORDER BY k.n)
        FROM pg_index i
        CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k(attnum, n)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        WHERE i.indrelid = %(table)s::regclass AND i.indisunique
        GROUP BY i.indexrelid, i.indisprimary
        """,
        {"table": model._meta.db_table},
    )
    column = member_column(model)
    assert any(primary and columns[0] == column for primary, columns in found), "no primary key that begins with the member"
    assert all(column in columns for _primary, columns in found), f"a unique index without the member: {found}"
