"""The description of the API is one that other programs can read."""

import re
from typing import Any

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from openapi_spec_validator import validate

from tests.architecture.addresses import API


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    GENERATOR_STATS.reset()
    return dict(SchemaGenerator().get_schema(request=None, public=True))


def test_it_is_valid_openapi(schema: dict[str, Any]) -> None:
    validate(schema)


def test_nothing_had_to_be_guessed(schema: dict[str, Any]) -> None:
    said = [message for found in (GENERATOR_STATS._error_cache, GENERATOR_STATS._warn_cache) for message in found]
    assert not said


def test_every_endpoint_is_in_it(schema: dict[str, Any]) -> None:
    described = {_nameless(path) for path in schema["paths"]}
    assert {_nameless(address.route) for address in API} - described == set()


def _nameless(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path.strip("/"))
