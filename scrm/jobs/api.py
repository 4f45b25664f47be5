"""Long work over the API: what runs, how far it is, and steering it."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from scrm.jobs import queries, services
from scrm.jobs.models import JobRun
from scrm.staff.api import PoolViewSet


class JobSerializer(serializers.ModelSerializer[JobRun]):
    title = serializers.CharField(read_only=True)

    class Meta:
        model = JobRun
        fields = [
            "id",
            "kind",
            "title",
            "status",
            "phase",
            "done",
            "total",
            "result",
            "error",
            "created_at",
            "started_at",
            "finished_at",
        ]


class SteerSerializer(serializers.Serializer[Any]):
    what = serializers.ChoiceField(choices=["pause", "resume", "cancel", "retry"])


class JobViewSet(PoolViewSet):
    """Jobs of the pool, newest first."""

    permissions: ClassVar[dict[str, str]] = {"read": "jobs.view", "write": "jobs.steer"}
    serializer_class = JobSerializer
    queryset = JobRun.objects.none()
    ordering = "-id"

    def get_queryset(self):  # type: ignore[no-untyped-def]
        return JobRun.objects.filter(pool_id=self.pool.pk)

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(JobSerializer(page, many=True).data)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(JobSerializer(self._job(pk)).data)

    @extend_schema(request=SteerSerializer, responses=JobSerializer)
    @action(detail=True, methods=["post"])
    def steer(self, request: Request, pk: str) -> Response:
        given = SteerSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        job = services.ask(job=self._job(pk), what=given.validated_data["what"], actor=request.user)
        return Response(JobSerializer(job).data)

    lookup_value_regex = r"\d+"

    def _job(self, pk: str) -> JobRun:
        return queries.job_of(self.pool.pk, int(pk))


def routes(router: SimpleRouter) -> None:
    router.register("jobs", JobViewSet, basename="job")
