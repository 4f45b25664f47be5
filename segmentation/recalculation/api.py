"""RFM and lifecycle over the API: the same choices, trial and runs as on the page."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from scrm.lib import clock
from scrm.staff.api import PoolViewSet
from segmentation.models import RecalculationRun
from segmentation.recalculation import moves as moving
from segmentation.recalculation import preview as trying
from segmentation.recalculation import queries, services
from segmentation.recalculation import settings as chosen


class RfmSerializer(serializers.Serializer[Any]):
    mode = serializers.ChoiceField(["mean", "quantile", "threshold"], required=False)
    window_days = serializers.IntegerField(
        required=False, min_value=7, max_value=3650, help_text="Orders that count for F and M."
    )
    high_from = serializers.IntegerField(required=False, min_value=2, max_value=5)
    r_days = serializers.ListField(
        child=serializers.IntegerField(), min_length=4, max_length=4, required=False, help_text="Within n days: score 2, 3, 4, 5."
    )
    f_orders = serializers.ListField(child=serializers.IntegerField(), min_length=4, max_length=4, required=False)
    m_amount = serializers.ListField(
        child=serializers.IntegerField(), min_length=4, max_length=4, required=False, help_text="At least, in minor units."
    )


class LeadStagesSerializer(serializers.Serializer[Any]):
    split = serializers.BooleanField(required=False)
    new_days = serializers.IntegerField(required=False)
    engaged_days = serializers.IntegerField(required=False)
    engaged_events = serializers.IntegerField(required=False)
    event_kinds = serializers.ListField(child=serializers.CharField(max_length=40), required=False, help_text="None: all.")


class LifecycleSerializer(serializers.Serializer[Any]):
    mode = serializers.ChoiceField(
        ["model", "pool", "category", "fixed"], required=False, help_text="By what a member counts as silent, sleeping, lost."
    )
    horizon_days = serializers.IntegerField(
        required=False, allow_null=True, help_text="Of the model; null: by the pool's rhythm."
    )
    shares = serializers.ListField(
        child=serializers.FloatField(), min_length=3, max_length=3, required=False, allow_null=True,
        help_text="Quantiles of the chance of not buying at which stages begin; null: those that tell most.",
    )  # fmt: skip
    keep_days = serializers.IntegerField(required=False, help_text="For how long the model's edges hold.")
    lead = LeadStagesSerializer(required=False)
    days = serializers.ListField(child=serializers.IntegerField(), min_length=3, max_length=3, required=False)
    quantiles = serializers.ListField(child=serializers.FloatField(), min_length=3, max_length=3, required=False)


class ChoicesSerializer(serializers.Serializer[Any]):
    rfm = RfmSerializer(required=False)
    lifecycle = LifecycleSerializer(required=False)


class ModelClassSerializer(serializers.Serializer[Any]):
    code = serializers.IntegerField()
    label = serializers.CharField()  # type: ignore[assignment]
    now = serializers.IntegerField()
    then = serializers.IntegerField(allow_null=True)


class ModelsSerializer(serializers.Serializer[Any]):
    settings = ChoicesSerializer()
    edges = serializers.JSONField(allow_null=True, help_text="Those of the last full run.")
    until = serializers.DateTimeField(allow_null=True, help_text="The state is right up to here.")
    waiting = serializers.IntegerField(help_text="Members with newer facts.")
    groups = ModelClassSerializer(many=True)
    stages = ModelClassSerializer(many=True)
    leads = ModelClassSerializer(many=True)
    backtest = serializers.JSONField(
        allow_null=True, help_text="Per stage of an earlier day the share that ordered no more within the horizon."
    )


class ModelMoveSerializer(serializers.Serializer[Any]):
    of = serializers.CharField()
    was = serializers.CharField()
    then = serializers.CharField()
    members = serializers.IntegerField()


class ModelWaySerializer(serializers.Serializer[Any]):
    from_code = serializers.IntegerField(allow_null=True)
    from_label = serializers.CharField()
    to_code = serializers.IntegerField(allow_null=True)
    to_label = serializers.CharField()
    members = serializers.IntegerField()


class MigrationsSerializer(serializers.Serializer[Any]):
    kind = serializers.IntegerField()
    label = serializers.CharField()  # type: ignore[assignment]
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    known_since = serializers.DateTimeField(allow_null=True, help_text="The history begins here.")
    moved = serializers.IntegerField()
    stayed = serializers.IntegerField()
    ways = ModelWaySerializer(many=True)


class ModelKindSerializer(serializers.Serializer[Any]):
    kind = serializers.IntegerField()
    label = serializers.CharField()  # type: ignore[assignment]


class ModelPreviewSerializer(serializers.Serializer[Any]):
    edges = serializers.JSONField()
    groups = ModelClassSerializer(many=True)
    stages = ModelClassSerializer(many=True)
    regrouped = serializers.IntegerField()
    restaged = serializers.IntegerField()
    moves = ModelMoveSerializer(many=True)
    small = ModelClassSerializer(many=True, help_text="Groups that would have fewer than 30 members.")


class RecalculationSerializer(serializers.ModelSerializer[RecalculationRun]):
    class Meta:
        model = RecalculationRun
        fields = ["id", "mode", "as_of", "until", "settings", "edges", "backtest", "steps", "started_at", "finished_at"]


class AskedSerializer(serializers.Serializer[Any]):
    job = serializers.IntegerField(allow_null=True, help_text="The job that does it; none when nothing changed.")


class ModelViewSet(PoolViewSet):
    """RFM and lifecycle of the pool."""

    permissions = {"read": "segments.view", "write": "recalculation.run"}
    serializer_class = ModelsSerializer
    pagination_class = None
    filter_backends: list[Any] = []

    @extend_schema(responses=ModelsSerializer, operation_id="models_retrieve")
    def list(self, request: Request) -> Response:
        """Choices, edges in force and the sizes of groups and stages."""
        return Response(ModelsSerializer(self._now()).data)

    def _now(self) -> dict[str, Any]:
        status = queries.status(self.pool)
        groups, stages = queries.classes(self.pool)
        return {
            "settings": chosen.of(self.pool).model_dump(),
            "edges": status.edges.dump() if status.edges else None,
            "until": status.until,
            "waiting": status.waiting,
            "groups": groups,
            "stages": stages,
            "leads": queries.leads(self.pool),
            "backtest": queries.judged(self.pool),
        }

    def _choices(self, request: Request) -> chosen.Choices:
        """The present choices with what was sent on top."""
        sent = ChoicesSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        kept, given = chosen.of(self.pool).model_dump(), sent.validated_data
        lead = {**kept["lifecycle"]["lead"], **given.get("lifecycle", {}).get("lead", {})}
        both = {key: {**kept[key], **given.get(key, {})} for key in kept}
        return chosen.checked(both | {"lifecycle": {**both["lifecycle"], "lead": lead}})

    @extend_schema(request=ChoicesSerializer, responses=AskedSerializer)
    @action(detail=False, methods=["put"], url_path="settings", url_name="settings")
    def keep(self, request: Request) -> Response:
        """Save choices; the run that applies them is queued."""
        job = services.save_choices(pool=self.pool, choices=self._choices(request), as_of=clock.now(), actor=request.user)
        return Response({"job": job.pk if job else None})

    @extend_schema(request=ChoicesSerializer, responses=ModelPreviewSerializer)
    @action(detail=False, methods=["post"])
    def preview(self, request: Request) -> Response:
        """What other choices would do; nothing is written."""
        found = trying.preview(pool=self.pool, choices=self._choices(request), as_of=clock.now())
        parts = {name: getattr(found, name) for name in ("groups", "stages", "regrouped", "restaged", "moves", "small")}
        return Response(ModelPreviewSerializer({**parts, "edges": found.edges.dump()}).data)

    @extend_schema(request=None, responses=AskedSerializer)
    @action(detail=False, methods=["post"])
    def run(self, request: Request) -> Response:
        """Ask for a full run."""
        job = services.ask(pool=self.pool, as_of=clock.now(), actor=request.user)
        return Response({"job": job.pk if job else None}, status=202)

    @extend_schema(responses=ModelKindSerializer(many=True))
    @action(detail=False)
    def kinds(self, request: Request) -> Response:
        """What there are migrations of: stages, lead stages, RFM groups, every scheme."""
        return Response(ModelKindSerializer(moving.choices(self.pool), many=True).data)

    @extend_schema(
        parameters=[
            OpenApiParameter("kind", int),
            *(OpenApiParameter(name, OpenApiTypes.DATE, description="The end of a day of the pool.") for name in ("from", "to")),
            *(OpenApiParameter(name, OpenApiTypes.DATE, description="Another name of it.") for name in ("since", "until")),
        ],
        responses=MigrationsSerializer,
    )
    @action(detail=False)
    def moves(self, request: Request) -> Response:
        """How many went from which class to which between the ends of any two days."""
        asked = request.query_params
        between = moving.span(self.pool, asked.get("from", asked.get("since")), asked.get("to", asked.get("until")), clock.now())
        found = moving.moves(self.pool, asked.get("kind", "1"), between)
        said = found.choice.said
        ways = [
            {"from_code": was, "from_label": said(was), "to_code": now, "to_label": said(now), "members": members}
            for was, now, members in found.flows
        ]
        whole = {"kind": found.choice.kind, "label": found.choice.label, "since": between.since, "until": between.until}
        counts = {"known_since": found.known_since, "moved": found.moved, "stayed": found.stayed, "ways": ways}
        return Response(MigrationsSerializer({**whole, **counts}).data)

    @extend_schema(responses=RecalculationSerializer(many=True))
    @action(detail=False)
    def runs(self, request: Request) -> Response:
        """The latest runs with the rows and milliseconds of each step."""
        return Response(RecalculationSerializer(queries.runs(self.pool, 50), many=True).data)


def routes(router: Any) -> None:
    router.register("models", ModelViewSet, basename="model")
