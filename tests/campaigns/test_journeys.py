"""Graphs that can run, and those that are refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from campaigns import journeys


def graph(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"nodes": list(nodes)}


ENTRY = {"kind": "entry", "id": "entry", "next": "send"}
SEND = {"kind": "send", "id": "send", "next": "exit"}
EXIT = {"kind": "exit", "id": "exit"}


def test_the_shortest_journey_sends_waits_and_ends() -> None:
    made = journeys.one_off(14)
    assert [node.kind for node in made.path] == ["entry", "send", "wait", "exit"]
    assert made["window"].days == 14
    assert journeys.parse(made.model_dump()) == made


@pytest.mark.parametrize(
    ("stored", "complaint"),
    [
        (graph(ENTRY, EXIT), "leads to send, which does not exist"),
        (graph(ENTRY, ENTRY, SEND, EXIT), "two nodes are named entry"),
        (graph(SEND, EXIT), "exactly one entry"),
        (graph(ENTRY, {**SEND, "next": "send"}, EXIT), "no circles"),
        (graph(ENTRY, SEND, EXIT, {"kind": "wait", "id": "lone", "next": "exit", "days": 3}), "nothing leads to lone"),
        (graph(ENTRY, {**SEND, "colour": "red"}, EXIT), "Extra inputs"),
        (graph(ENTRY, {**SEND, "kind": "teleport"}, EXIT), "does not match any of the expected tags"),
        (graph(ENTRY, {"kind": "wait", "id": "send", "next": "exit", "days": 0}, EXIT), "greater than or equal to 1"),
        ({}, "Field required"),
    ],
)
def test_what_cannot_run_is_refused_with_its_place(stored: dict[str, Any], complaint: str) -> None:
    assert any(complaint in sentence for sentence in journeys.problems(stored)), journeys.problems(stored)
    with pytest.raises(ValidationError):
        journeys.parse(stored)


def test_a_good_graph_has_no_problems() -> None:
    assert journeys.problems(graph(ENTRY, SEND, EXIT)) == []
