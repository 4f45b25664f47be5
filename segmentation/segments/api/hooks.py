"""Addresses that are told who enters and leaves segments, for programs."""

from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from scrm.lib import clock
from scrm.staff.api import PoolViewSet
from segmentation.models import Segment, SegmentHook, SegmentNotice
from segmentation.segments.api import shapes
from segmentation.segments.api.paging import whole
from segmentation.segments.hooks import queries, services

TRIED = inline_serializer(
    "HookTried",
    {"taken": serializers.BooleanField(), "code": serializers.IntegerField(allow_null=True), "answer": serializers.CharField()},
)
RETRIED = inline_serializer("HookRetried", {"notices": serializers.IntegerField()})


class HookViewSet(PoolViewSet):
    """Webhooks of segments: signed (Standard Webhooks), batched, retried for about two days, in the order of the changes.

    Each request carries `webhook-id`, the same at every try: drop what you have had.
    """

    permissions: ClassVar[dict[str, str]] = {"read": "connectors.view", "write": "connectors.edit"}
    serializer_class = shapes.HookOut
    queryset = SegmentHook.objects.none()
    ordering = "-id"
    lookup_value_regex = r"\d+"

    def _one(self) -> SegmentHook:
        rows = SegmentHook.objects.select_related("segment__pool").filter(segment__pool=self.pool)
        return get_object_or_404(rows, pk=self.kwargs["pk"])

    def _said(self, shape: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        form = shape(data=self.request.data)
        form.is_valid(raise_exception=True)
        return dict(form.validated_data)

    def _shown(self, hook: SegmentHook, code: int = status.HTTP_200_OK) -> Response:
        return Response(shapes.HookOut(queries.hooks(hook.segment).get(pk=hook.pk)).data, status=code)

    def _made(self, made: services.Made, code: int) -> Response:
        return Response({**shapes.HookOut(made.hook).data, "secret": made.secret}, status=code)

    @extend_schema(parameters=[OpenApiParameter("segment", OpenApiTypes.INT)], responses=shapes.HookOut(many=True))
    def list(self, request: Request) -> Response:
        """The hooks of the pool, or of one segment."""
        segment = whole(request, "segment", 0)
        found = queries.of_pool(self.pool.pk, segment or None)
        return self.get_paginated_response(shapes.HookOut(self.paginate_queryset(found), many=True).data)

    @extend_schema(responses=shapes.HookOut)
    def retrieve(self, request: Request, pk: int) -> Response:
        """One hook with how much it was told and is owed."""
        return self._shown(self._one())

    @extend_schema(request=shapes.HookIn, responses={201: shapes.HookMade})
    def create(self, request: Request) -> Response:
        """Tell an address of every change from now on. The secret is in this answer only."""
        data = self._said(shapes.HookIn)
        segment = get_object_or_404(Segment.objects.select_related("pool"), pool=self.pool, pk=data.pop("segment"))
        return self._made(services.create(segment=segment, actor=request.user, **data), status.HTTP_201_CREATED)

    @extend_schema(request=shapes.HookChange, responses=shapes.HookOut)
    def partial_update(self, request: Request, pk: int) -> Response:
        """Another address, other changes to tell, or a pause."""
        hook, data = self._one(), self._said(shapes.HookChange)
        kept = {name: data.get(name, getattr(hook, name)) for name in ("url", "tells_entered", "tells_left", "is_active")}
        return self._shown(services.change(hook=hook, actor=request.user, **kept))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: int) -> Response:
        """Tell it nothing more."""
        services.remove(hook=self._one(), actor=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=TRIED)
    @action(detail=True, methods=["post"], url_path="test")
    def try_out(self, request: Request, pk: int) -> Response:
        """Send a signed ping now."""
        answer = services.try_out(hook=self._one(), as_of=clock.now())
        return Response({"taken": answer.is_taken, "code": answer.code, "answer": answer.words})

    @extend_schema(request=None, responses=shapes.HookMade)
    @action(detail=True, methods=["post"])
    def secret(self, request: Request, pk: int) -> Response:
        """Sign with a new secret from now on; it is in this answer only."""
        return self._made(services.new_secret(hook=self._one(), actor=request.user), status.HTTP_200_OK)

    @extend_schema(
        parameters=[OpenApiParameter("before", OpenApiTypes.INT), OpenApiParameter("status", OpenApiTypes.STR)],
        responses=inline_serializer(
            "HookNotices", {"results": shapes.NoticeOut(many=True), "next": serializers.IntegerField(allow_null=True)}
        ),
    )
    @action(detail=True, pagination_class=None)
    def notices(self, request: Request, pk: int) -> Response:
        """What it was told and what it is owed, the latest first; give `next` as `before` for more."""
        hook = self._one()
        before = whole(request, "before", 0) or None
        page = queries.notices(hook.segment, before, request.query_params.get("status", ""), hook.pk)
        return Response({"results": shapes.NoticeOut(page.rows, many=True).data, "next": page.next})

    @extend_schema(request=shapes.RetryIn, responses=RETRIED)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: int) -> Response:
        """Send again at once what was given up or waits: one notice, or all."""
        hook, number = self._one(), self._said(shapes.RetryIn).get("notice")
        notice = get_object_or_404(SegmentNotice, hook=hook, pk=number) if number else None
        n = services.retry(hook=hook, notice=notice, actor=request.user, as_of=clock.now())
        return Response({"notices": n})
