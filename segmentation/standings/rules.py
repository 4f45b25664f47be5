"""A pool's schemes as facts of rules: which there are, what they and their classes are called, and that they exist."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.utils import translation

from members.models import Pool
from segmentation.models import Scheme
from segmentation.rules import facts_standings
from segmentation.rules.ast import Node, conditions
from segmentation.rules.catalog import Choice, Fact, Text, fact
from segmentation.rules.parse import Fault
from segmentation.standings import queries
from segmentation.standings.families import family, is_known

GONE = Text("这个方案已不存在：请重新选择", "This scheme does not exist any more: choose again")
AWAY = Text("这个方案已归档，请先恢复它", "This scheme was put away: bring it back first")


def facts(pool: Pool) -> list[Fact]:
    """The facts of every scheme kept up, named as the pool names them."""
    found = [scheme for scheme in queries.schemes(pool) if is_known(scheme.family)]
    return [dressed(fact(facts_standings.key_of(scheme.pk, part)), scheme) for scheme in found for part in _parts(scheme)]


def _parts(scheme: Scheme) -> list[str]:
    """A family without values has no fact about them."""
    has_value = bool(family(scheme.family).unit)
    return [part for part in facts_standings.PARTS if part != "value" or has_value]


def dressed(about: Fact, scheme: Scheme) -> Fact:
    """A fact with the names of its scheme and classes."""
    label = Text(*(said.replace("{name}", scheme.name) for said in (about.label.zh, about.label.en)))
    return replace(about, label=label, choices=_choices(scheme) if about.kind == "choice" else ())


def _choices(scheme: Scheme) -> tuple[Choice, ...]:
    said = {}
    for language in ("zh-hans", "en"):
        with translation.override(language):
            said[language] = {code.number: str(code.label) for code in queries.codes(scheme)}
    return tuple(Choice(number, Text(label, said["en"][number])) for number, label in said["zh-hans"].items())


def scheme_of(pool: Pool, about: Fact) -> Scheme | None:
    """The scheme a fact asks for."""
    return Scheme.objects.filter(pool=pool, pk=about.scheme).select_related("pool").first()


def names(pool: Pool, pks: Iterable[Any], language: str) -> dict[Any, str]:
    """What schemes are called."""
    return dict(Scheme.objects.filter(pool=pool, pk__in=list(pks)).values_list("pk", "name"))


def options(pool: Pool, source: str, q: str, language: str) -> list[tuple[int, str]]:
    """The classes of `scheme:12` that contain a text."""
    scheme = Scheme.objects.filter(pool=pool, pk=int(source.removeprefix(facts_standings.SOURCE))).select_related("pool").first()
    found = [(choice.value, choice.label.said(language)) for choice in _choices(scheme)] if scheme else []
    return [(int(value), said) for value, said in found if q.lower() in said.lower()]


def choice_name(pool: Pool, source: str, value: Any, language: str) -> str:
    return dict(options(pool, source, "", language)).get(value, f"#{value}")


def faults(pool: Pool, tree: Node) -> list[Fault]:
    """Conditions whose scheme is gone or put away: such a rule selects nobody and everybody's opposite, so it is refused."""
    asked = [(path, scheme) for path, found in conditions(tree) if (scheme := fact(found.fact).scheme)]
    wanted = {scheme for _path, scheme in asked}
    kept = dict(Scheme.objects.filter(pool=pool, pk__in=wanted).values_list("pk", "is_active")) if wanted else {}
    wrong = [(path, scheme) for path, scheme in asked if not kept.get(scheme)]
    return [
        Fault(f"{path}.fact", "archived", AWAY) if scheme in kept else Fault(f"{path}.fact", "gone", GONE)
        for path, scheme in wrong
    ]
