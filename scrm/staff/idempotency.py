"""`Idempotency-Key` on writes: the first call's answer is kept and given to its repeats."""

import hashlib
import json
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from scrm.staff.models import ApiToken, IdempotentCall

HEADER = "Idempotency-Key"


class Conflict(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


def _scope(request: Request) -> str:
    who = f"token:{request.auth.pk}" if isinstance(request.auth, ApiToken) else f"user:{request.user.pk}"
    return f"{who} {request.method} {request.path}"[:120]


def _hash(request: Request) -> bytes:
    """Of all that was said: the query, the values, and what uploaded files hold."""
    digest, data = hashlib.sha256(), request.data
    # Of a form every value of a name counts, not only the last.
    values = dict(data.lists()) if hasattr(data, "lists") else data
    said = [request.META.get("QUERY_STRING", ""), values]
    digest.update(json.dumps(said, sort_keys=True, default=str, ensure_ascii=False).encode())
    for name, file in sorted(request.FILES.items()):
        digest.update(f"\x00{name}\x00".encode())
        for chunk in file.chunks():
            digest.update(chunk)
        file.seek(0)
    return digest.digest()


class IdempotentWrites:
    """Viewset mixin. Same key and body: the first answer again. Same key, other body: 422.

    The first call runs in one transaction with its record, so a crash leaves neither.
    """

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        self._plain = request
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        key = request.headers.get(HEADER)
        if key and request.method not in ("GET", "HEAD", "OPTIONS"):
            self._wrap(request, key)

    def _wrap(self, request: Request, key: str) -> None:
        if len(key) > 120:
            raise ValidationError({HEADER: _("最长 120 个字符")})
        handler_name = request.method.lower()  # type: ignore[union-attr]
        handler = getattr(self, handler_name)

        def once(inner: Request, *args: Any, **kwargs: Any) -> Response:
            with transaction.atomic():
                call, first = IdempotentCall.objects.get_or_create(
                    scope=_scope(inner), key=key, defaults={"request_hash": _hash(inner)}
                )
                if not first:
                    return self._again(call, inner)
                answer = handler(inner, *args, **kwargs)
                call.status, call.body = answer.status_code, json.loads(json.dumps(answer.data, cls=JSONEncoder))
                call.save(update_fields=["status", "body"])
                return answer

        setattr(self, handler_name, once)

    def _again(self, call: IdempotentCall, request: Request) -> Response:
        if bytes(call.request_hash) != _hash(request):
            raise ValidationError({HEADER: _("同一个键已用于内容不同的请求")})
        if call.status is None:
            raise Conflict(_("同一请求正在处理"))
        return Response(call.body, status=call.status, headers={"Idempotent-Replayed": "true"})
