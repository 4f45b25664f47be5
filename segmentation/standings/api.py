"""Schemes over the API: the same services and queries as the pages."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import BaseRouter

from members.models import Member
from scrm.lib import clock
from scrm.lib.problems import Problem
from scrm.staff.api import PoolViewSet
from segmentation.models import Scheme
from segmentation.recalculation import services as recalculation
from segmentation.standings import asked, paths, queries, services, states
from segmentation.standings import preview as trying
from segmentation.standings.families import families, is_known


class CodeSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    label = serializers.CharField()  # type: ignore[assignment]
    hint = serializers.CharField()


class FamilySerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    title = serializers.CharField()
    about = serializers.CharField()
    settings = serializers.JSONField(help_text="JSON schema of the settings.")


class SchemeSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="pk")
    family = serializers.CharField()
    name = serializers.CharField()
    note = serializers.CharField()
    settings = serializers.JSONField()
    edges = serializers.JSONField(help_text="Measured by the last full run.")
    is_active = serializers.BooleanField()
    is_stale = serializers.BooleanField(help_text="The standings are not by these settings yet.")
    computed_at = serializers.DateTimeField(allow_null=True)
    codes = serializers.SerializerMethodField()

    @extend_schema_field(CodeSerializer(many=True))
    def get_codes(self, scheme: Scheme) -> list[dict[str, Any]]:
        return list(CodeSerializer(queries.codes(scheme), many=True).data)


class SchemeGiven(serializers.Serializer[Any]):
    family = serializers.CharField(max_length=20, required=False, help_text="Only for a new scheme.")
    name = serializers.CharField(max_length=80, required=False)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)
    settings = serializers.DictField(required=False)


class TrySerializer(serializers.Serializer[Any]):
    family = serializers.CharField(max_length=20)
    settings = serializers.DictField()
    scheme = serializers.IntegerField(required=False, help_text="Compared with where members stand in this one.")


class ClassSerializer(serializers.Serializer[Any]):
    code = serializers.IntegerField(source="code.number")
    label = serializers.CharField(source="code.label")  # type: ignore[assignment]
    members = serializers.IntegerField()
    share = serializers.FloatField()
    value = serializers.IntegerField(allow_null=True)
    value_share = serializers.FloatField(allow_null=True)
    before = serializers.IntegerField(allow_null=True)


class SchemeWaySerializer(serializers.Serializer[Any]):
    from_code = serializers.IntegerField(allow_null=True)
    from_label = serializers.CharField()
    to_code = serializers.IntegerField(allow_null=True)
    to_label = serializers.CharField()
    members = serializers.IntegerField()


class PreviewSerializer(serializers.Serializer[Any]):
    classes = ClassSerializer(many=True)
    moved = serializers.IntegerField()
    members = serializers.IntegerField()
    ways = SchemeWaySerializer(many=True, help_text="How many would go from which class to which.")
    small = ClassSerializer(many=True, help_text="Classes that would have fewer than 30 members.")


class StandingSerializer(serializers.Serializer[Any]):
    scheme = serializers.IntegerField(source="scheme.pk")
    name = serializers.CharField(source="scheme.name")
    member = serializers.IntegerField(source="row.member_id")
    code = serializers.IntegerField(source="code.number")
    label = serializers.CharField(source="code.label")  # type: ignore[assignment]
    value = serializers.IntegerField(source="row.value", allow_null=True)
    since = serializers.DateTimeField(source="row.since")
    due = serializers.DateTimeField(source="row.due", allow_null=True)
    expected_at = serializers.DateTimeField(source="row.expected_at", allow_null=True)
    ahead = serializers.CharField(help_text="What is missing for the next class.")
    reasons = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()), help_text="Of one member: why, as (what, how much)."
    )


class PathSerializer(serializers.Serializer[Any]):
    code = serializers.IntegerField(source="code.number")
    label = serializers.CharField(source="code.label")  # type: ignore[assignment]
    next = serializers.IntegerField(source="next.number", default=None, allow_null=True)
    members = serializers.IntegerField()
    stay_days = serializers.FloatField(allow_null=True, help_text="How long the member in the middle has stood there.")
    ahead = serializers.CharField(help_text="What that member lacks for the next class.")
    rises = serializers.IntegerField(help_text="How often members rose from it, in the whole history.")
    days = serializers.ListField(
        child=serializers.FloatField(), allow_null=True, help_text="Quartiles of the days before a rise; null when too few rose."
    )


class PeopleSerializer(serializers.Serializer[Any]):
    results = StandingSerializer(many=True, source="rows")
    next = serializers.CharField(help_text="Give it as `after` for the next page; empty at the end.")


class MoveSerializer(serializers.Serializer[Any]):
    from_code = serializers.IntegerField(allow_null=True)
    to_code = serializers.IntegerField(allow_null=True)
    members = serializers.IntegerField()


class MovesSerializer(serializers.Serializer[Any]):
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    moves = MoveSerializer(many=True)
    rose = serializers.IntegerField()
    fell = serializers.IntegerField()
    stayed = serializers.IntegerField()


class DaySerializer(serializers.Serializer[Any]):
    day = serializers.DateField()
    sizes = serializers.DictField(child=serializers.IntegerField(), help_text="Code → members at the end of the day.")


class StepsSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    kind = serializers.CharField()
    until = serializers.DateTimeField(allow_null=True)
    full_at = serializers.DateTimeField(allow_null=True)
    rows = serializers.IntegerField()
    ms = serializers.IntegerField()
    stale = serializers.BooleanField()
    steps = serializers.JSONField()


class QueuedSerializer(serializers.Serializer[Any]):
    job = serializers.IntegerField(allow_null=True)


DAYS = [OpenApiParameter(name, OpenApiTypes.DATE, description="A day of the pool; its end counts.") for name in ("from", "to")]
WHO = [
    OpenApiParameter("code", OpenApiTypes.INT),
    OpenApiParameter("due", OpenApiTypes.STR, enum=list(queries.DUE), description="When the next step is expected."),
    OpenApiParameter("after", OpenApiTypes.STR, description="`next` of the page before."),
]


class SchemeViewSet(PoolViewSet):
    """Schemes: further ways of sorting members into classes."""

    permissions = {"read": "segments.view", "write": "recalculation.run"}
    serializer_class = SchemeSerializer
    pagination_class = None
    filter_backends: list[Any] = []
    lookup_value_regex = r"\d{1,9}"

    def _one(self) -> Scheme:
        found: Scheme = get_object_or_404(Scheme.objects.select_related("pool"), pool=self.pool, pk=self.kwargs["pk"])
        return found

    @extend_schema(responses=SchemeSerializer(many=True), parameters=[OpenApiParameter("archived", OpenApiTypes.BOOL)])
    def list(self, request: Request) -> Response:
        """All schemes of the pool."""
        archived = request.query_params.get("archived") in ("1", "true")
        return Response(SchemeSerializer(queries.schemes(self.pool, archived=archived), many=True).data)

    @extend_schema(responses=SchemeSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One scheme."""
        return Response(SchemeSerializer(self._one()).data)

    @extend_schema(request=SchemeGiven, responses={201: SchemeSerializer})
    def create(self, request: Request) -> Response:
        """A new scheme; the run that computes it is queued."""
        return Response(SchemeSerializer(self._save(request, None)).data, status=201)

    @extend_schema(request=SchemeGiven, responses=SchemeSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Other choices; what is not given stays."""
        return Response(SchemeSerializer(self._save(request, self._one())).data)

    def _save(self, request: Request, scheme: Scheme | None) -> Scheme:
        sent = SchemeGiven(data=request.data)
        sent.is_valid(raise_exception=True)
        kept = {"name": scheme.name, "note": scheme.note, "settings": scheme.settings} if scheme else {"name": "", "settings": {}}
        given = {**kept, **sent.validated_data, "family": scheme.family if scheme else sent.validated_data.get("family", "")}
        return services.save(pool=self.pool, scheme=scheme, actor=request.user, **given)

    @extend_schema(responses=FamilySerializer(many=True))
    @action(detail=False)
    def families(self, request: Request) -> Response:
        """The kinds of schemes there are, with the schema of their settings."""
        found = [
            {"key": f.key, "title": f.title, "about": f.about, "settings": f.settings.model_json_schema()} for f in families()
        ]
        return Response(FamilySerializer(found, many=True).data)

    @extend_schema(request=TrySerializer, responses=PreviewSerializer)
    @action(detail=False, methods=["post"])
    def preview(self, request: Request) -> Response:
        """What settings would do; nothing is written."""
        sent = TrySerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        given, pk = sent.validated_data, sent.validated_data.get("scheme")
        if not is_known(given["family"]):
            raise Problem("unknown_family", given["family"])
        scheme = get_object_or_404(Scheme, pool=self.pool, pk=pk) if pk else None
        found = trying.preview(
            pool=self.pool, family_key=given["family"], given=given["settings"], scheme=scheme, as_of=clock.now()
        )
        return Response(PreviewSerializer(found).data)

    @extend_schema(responses=ClassSerializer(many=True))
    @action(detail=True)
    def distribution(self, request: Request, pk: str) -> Response:
        """How many members stand in each class now."""
        return Response(ClassSerializer(queries.distribution(self._one()), many=True).data)

    @extend_schema(responses=DaySerializer(many=True))
    @action(detail=True)
    def history(self, request: Request, pk: str) -> Response:
        """Sizes of the classes at the end of each day on which anything changed."""
        found = [
            {"day": day, "sizes": {str(code): n for code, n in sizes.items()}} for day, sizes in queries.sizes_by_day(self._one())
        ]
        return Response(DaySerializer(found, many=True).data)

    @extend_schema(responses=MovesSerializer, parameters=DAYS)
    @action(detail=True)
    def migrations(self, request: Request, pk: str) -> Response:
        """Who went from which class to which between the ends of two days; null is outside of the scheme."""
        scheme = self._one()
        found = queries.migrations(scheme, *asked.ends(scheme, *asked.days(request.query_params, scheme, clock.now())))
        return Response(MovesSerializer({**vars(found), "moves": queries.moves(found)}).data)

    @extend_schema(responses=PathSerializer(many=True))
    @action(detail=True)
    def path(self, request: Request, pk: str) -> Response:
        """The way up: time in each class, what is missing for the next, and how long the rise takes."""
        return Response(PathSerializer(paths.path(self._one(), clock.now()), many=True).data)

    @extend_schema(responses=PeopleSerializer, parameters=WHO)
    @action(detail=True)
    def members(self, request: Request, pk: str) -> Response:
        """Members in a class, or due within some days; a page at a time."""
        scheme, given = self._one(), request.query_params
        code = int(given["code"]) if given.get("code", "").isdecimal() and len(given["code"]) < 6 else None
        found = queries.people(scheme, code=code, due=given.get("due", ""), as_of=clock.now(), after=given.get("after", ""))
        return Response(PeopleSerializer(found).data)

    @extend_schema(
        responses=StandingSerializer(many=True), parameters=[OpenApiParameter("member", OpenApiTypes.INT, required=True)]
    )
    @action(detail=False)
    def standings(self, request: Request) -> Response:
        """Where one member stands in every scheme."""
        text = request.query_params.get("member", "")
        member = get_object_or_404(Member, pool=self.pool, pk=int(text) if text.isdecimal() and len(text) < 18 else 0)
        return Response(StandingSerializer(queries.of_member(member, clock.now()), many=True).data)

    @extend_schema(request=None, responses=SchemeSerializer)
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, pk: str) -> Response:
        """Put it away; refused while something asks for it."""
        services.archive(scheme=self._one(), actor=request.user, as_of=clock.now())
        return Response(SchemeSerializer(self._one()).data)

    @extend_schema(request=None, responses=SchemeSerializer)
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: str) -> Response:
        """Bring it back."""
        services.restore(scheme=self._one(), actor=request.user, as_of=clock.now())
        return Response(SchemeSerializer(self._one()).data)

    @extend_schema(request=None, responses={202: QueuedSerializer})
    @action(detail=True, methods=["post"])
    def run(self, request: Request, pk: str) -> Response:
        """Have everybody computed anew in it."""
        return Response({"job": services.ask(scheme=self._one(), actor=request.user).pk}, status=202)

    @extend_schema(operation_id="schemes_run_all", request=None, responses={202: QueuedSerializer})
    @action(detail=False, methods=["post"], url_path="run", url_name="run-all")
    def run_all(self, request: Request) -> Response:
        """Have everything computed anew."""
        job = recalculation.ask(pool=self.pool, as_of=clock.now(), actor=request.user)
        return Response({"job": job.pk if job else None}, status=202)

    @extend_schema(responses=StepsSerializer(many=True))
    @action(detail=False)
    def steps(self, request: Request) -> Response:
        """How far each model of the recalculation has come: watermark, rows, time and steps."""
        found = [{**vars(model), "steps": _plain(model.steps)} for model in states.state(self.pool).models]
        return Response(StepsSerializer(found, many=True).data)


def _plain(found: Any) -> Any:
    return [{key: str(value) if key == "title" else value for key, value in step.items()} for step in found]


def routes(router: BaseRouter) -> None:
    """Announce this noun's endpoints."""
    router.register("schemes", SchemeViewSet, basename="scheme")
