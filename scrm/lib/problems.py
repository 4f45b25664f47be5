"""Errors of the API in one shape: `{"code", "message", "fields"}`; every refusal says why."""

import logging
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

log = logging.getLogger("scrm.api")


class Problem(Exception):
    """A refusal by a service: a code for programs and a sentence for people."""

    def __init__(self, code: str, message: str, fields: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.fields = code, str(message), fields or {}


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: services' Problems become 422, field errors 400."""
    if isinstance(error, Problem):
        return Response({"code": error.code, "message": error.message, "fields": error.fields}, status=422)
    if isinstance(error, DjangoValidationError):
        error = ValidationError(error.message_dict if hasattr(error, "error_dict") else {"": error.messages})
    if isinstance(error, DataError) or (isinstance(error, ValueError) and "NUL" in str(error)):
        # A number or a character that no column can hold: the sender's mistake, not ours.
        log.warning("refused by the database: %s", type(error).__name__)
        return Response({"code": "out_of_range", "message": _("有的值超出了可以保存的范围"), "fields": {}}, status=400)
    answer = exception_handler(error, context)
    if answer is not None:
        answer.data = _shape(error, answer.data)
    return answer


def _shape(error: Exception, data: Any) -> dict[str, Any]:
    if isinstance(error, ValidationError):
        return {"code": "invalid", "message": _first(data), "fields": data if isinstance(data, dict) else {"": data}}
    detail = data.get("detail", "") if isinstance(data, dict) else data
    return {"code": getattr(detail, "code", "error"), "message": str(detail), "fields": {}}


def _first(data: Any) -> str:
    while isinstance(data, dict | list) and data:
        data = next(iter(data.values())) if isinstance(data, dict) else data[0]
    return str(data)
