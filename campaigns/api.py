"""Campaigns over the API: everything the pages do, over the same services and queries."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from campaigns import dryrun, launching, queries, results, retrying, services
from campaigns.checks import gaps
from campaigns.content import problems_of
from campaigns.gallery import templates
from campaigns.models import Campaign, Layer, Run
from scrm.lib import clock
from scrm.lib.problems import Problem
from scrm.staff.api import PoolViewSet
from scrm.staff.idempotency import Conflict
from segmentation.models import Segment
from segmentation.segments import services as segments
from touchpoints.models import Connector


class LayerSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(read_only=True)
    name = serializers.CharField(max_length=40)
    rule = serializers.JSONField(allow_null=True, required=False, default=None, help_text="null: everybody left")
    subject = serializers.CharField(max_length=200, allow_blank=True, default="")
    body = serializers.CharField(max_length=20_000, allow_blank=True, default="", trim_whitespace=False)
    link = serializers.URLField(max_length=500, allow_blank=True, default="")

    def to_representation(self, layer: Layer) -> dict[str, Any]:
        content = layer.content
        said = {field: getattr(content, field, "") for field in ("subject", "body", "link")}
        return {"id": layer.pk, "name": layer.name, "rule": layer.rule, **said}


class RunSerializer(serializers.ModelSerializer[Run]):
    class Meta:
        model = Run
        fields = ["id", "slot", "phase", "entered", "entered_at", "finished_at", "note", "summary"]


class CampaignSerializer(serializers.ModelSerializer[Campaign]):
    layers = LayerSerializer(many=True, read_only=True)
    runs = RunSerializer(many=True, read_only=True)
    segment = serializers.PrimaryKeyRelatedField(queryset=Segment.objects.all(), allow_null=True, required=False)
    connector = serializers.PrimaryKeyRelatedField(queryset=Connector.objects.all(), allow_null=True, required=False)
    goal_days = serializers.IntegerField(min_value=1, max_value=180, required=False)
    holdout_percent = serializers.IntegerField(min_value=0, max_value=50, required=False)
    unit_cost = serializers.IntegerField(min_value=0, max_value=100_000, required=False, help_text="minor units")
    template = serializers.CharField(
        max_length=40, required=False, allow_blank=True, help_text="key of the gallery; only when creating"
    )

    class Meta:
        model = Campaign
        fields = [
            "id", "name", "note", "template", "status", "segment", "connector", "holdout_percent", "goal_days", "unit_cost",
            "scheduled_at", "launched_at", "finished_at", "is_historic", "created_at", "updated_at", "layers", "runs",
        ]  # fmt: skip
        read_only_fields = ["status", "launched_at", "finished_at", "is_historic", "created_at", "updated_at"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        view = self.context.get("view")
        if view is not None and not getattr(view, "swagger_fake_view", False):
            # Another pool's segments and connectors do not exist here.
            for name in ("segment", "connector"):
                field: Any = self.fields[name]
                field.queryset = field.queryset.filter(pool=view.pool)


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=30)


class CampaignViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, PoolViewSet):
    """Campaigns. Changes are refused with 409 once a campaign is launched."""

    permissions: ClassVar[dict[str, str]] = {
        "read": "campaigns.view", "write": "campaigns.edit", "launch": "campaigns.launch", "pause": "campaigns.launch",
        "resume": "campaigns.launch", "cancel": "campaigns.launch", "reopen": "campaigns.launch", "retry": "campaigns.launch",
    }  # fmt: skip
    serializer_class = CampaignSerializer
    queryset = Campaign.objects.none()
    filterset_fields: ClassVar[list[str]] = ["status", "is_historic", "segment"]
    ordering = "-pk"
    lookup_value_regex = r"\d+"

    def get_queryset(self) -> "QuerySet[Campaign]":
        return (
            Campaign.objects.filter(pool=self.pool)
            .select_related("pool", "segment__pool", "connector")
            .prefetch_related("layers__content", "runs")
        )

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, services.Closed):
            exc = Conflict(exc.message, exc.code)
        return super().handle_exception(exc)

    def _shown(self, pk: int, status: int = 200) -> Response:
        found = self.get_queryset().get(pk=pk)
        return Response(self.get_serializer(found).data, status=status)

    def create(self, request: Request) -> Response:
        given = self.get_serializer(data=request.data)
        given.is_valid(raise_exception=True)
        data = dict(given.validated_data)
        key = data.pop("template", "")
        if key and key not in templates():
            raise serializers.ValidationError({"template": [_("没有这个模板")]})
        made = services.create(
            pool=self.pool,
            actor=request.user,
            name=data.pop("name"),
            template=templates().get(key),
            segment=data.pop("segment", None),
        )
        services.save(campaign=made, actor=request.user, **data)
        return self._shown(made.pk, 201)

    def partial_update(self, request: Request, pk: str) -> Response:
        campaign = self.get_object()
        given = self.get_serializer(campaign, data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        services.save(campaign=campaign, actor=request.user, **{k: v for k, v in given.validated_data.items() if k != "template"})
        return self._shown(campaign.pk)

    def destroy(self, request: Request, pk: str) -> Response:
        services.discard(campaign=self.get_object(), actor=request.user)
        return Response(status=204)

    # -- Layers --------------------------------------------------------------------------------------
    def _layer(self, request: Request) -> dict[str, Any]:
        given = LayerSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        data = dict(given.validated_data)
        if data["rule"] is not None:
            segments.checked(self.pool, data["rule"])
        return data

    @extend_schema(request=LayerSerializer, responses=CampaignSerializer)
    @action(detail=True, methods=["post"])
    def layers(self, request: Request, pk: str) -> Response:
        campaign = self.get_object()
        services.add_layer(campaign=campaign, actor=request.user, **self._layer(request))
        return self._shown(campaign.pk, 201)

    @extend_schema(request=LayerSerializer, responses=CampaignSerializer)
    @action(detail=True, methods=["put", "delete"], url_path=r"layers/(?P<layer>\d+)")
    def layer(self, request: Request, pk: str, layer: str) -> Response:
        campaign = self.get_object()
        found = get_object_or_404(campaign.layers.all(), pk=layer)
        if request.method == "DELETE":
            services.remove_layer(campaign=campaign, layer=found, actor=request.user)
        else:
            services.save_layer(campaign=campaign, layer=found, actor=request.user, **self._layer(request))
        return self._shown(campaign.pk)

    # -- Life ----------------------------------------------------------------------------------------
    @action(detail=True, methods=["get"], url_path="dry-run")
    def dry_run(self, request: Request, pk: str) -> Response:
        """Who would get what, who would not and why; what is still missing."""
        campaign, now = self.get_object(), clock.now()
        if campaign.segment is None:
            raise Problem("no_segment", _("还没有选择目标分群"))
        missing = [
            {"step": gap.step, "code": gap.code, "message": gap.message, "blocks": gap.blocks}
            for gap in gaps(campaign, now, problems_of)
        ]
        return Response({**dryrun.as_json(dryrun.dry_run(campaign, now)), "missing": missing})

    @extend_schema(request=None, responses=CampaignSerializer)
    @action(detail=True, methods=["post"])
    def launch(self, request: Request, pk: str) -> Response:
        """Launch once; a repeat of a launched campaign changes nothing."""
        campaign = self.get_object()
        launching.launch(campaign=campaign, actor=request.user, as_of=clock.now())
        return self._shown(campaign.pk)

    @extend_schema(request=None, responses=CampaignSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        launching.pause(campaign=self.get_object(), actor=request.user)
        return self._shown(int(pk))

    @extend_schema(request=None, responses=CampaignSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        launching.resume(campaign=self.get_object(), actor=request.user, as_of=clock.now())
        return self._shown(int(pk))

    @extend_schema(request=None, responses=CampaignSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        launching.cancel(campaign=self.get_object(), actor=request.user, as_of=clock.now())
        return self._shown(int(pk))

    @extend_schema(request=None, responses=CampaignSerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        launching.reopen(campaign=self.get_object(), actor=request.user)
        return self._shown(int(pk))

    @extend_schema(request=None, responses=CampaignSerializer)
    @action(detail=True, methods=["post"])
    def clone(self, request: Request, pk: str) -> Response:
        return self._shown(services.clone(campaign=self.get_object(), actor=request.user).pk, 201)

    @extend_schema(request=ReasonSerializer)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        """Try the failed messages of one cause again."""
        campaign = self.get_object()
        given = ReasonSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        count = retrying.retry(campaign=campaign, actor=request.user, as_of=clock.now(), **given.validated_data)
        return Response({"deliveries": count})

    @action(detail=True, methods=["get"])
    def results(self, request: Request, pk: str) -> Response:
        """The funnel and the comparison with the control group."""
        return Response(results.as_json(results.results(self.get_object(), clock.now())))

    @action(detail=True, methods=["get"])
    def monitor(self, request: Request, pk: str) -> Response:
        """The newest run at this moment."""
        campaign = self.get_object()
        run = results.latest_run(campaign)
        if run is None:
            return Response({"run": None})
        live = queries.live(run, clock.now())
        counts = {
            name: getattr(live.counts, name)
            for name in ("total", "planned", "sent", "delivered", "opened", "clicked", "unknown", "cancelled")
        }
        return Response({
            "run": RunSerializer(run).data, "treated": live.treated, "holdout": live.holdout, "counts": counts,
            "suppressed": live.counts.suppressed, "failed": live.counts.failed,
        })  # fmt: skip

    @action(detail=False, methods=["get"])
    def gallery(self, request: Request) -> Response:
        """The templates a campaign can start from."""
        return Response([made.model_dump(mode="json") for made in templates().values()])


def routes(router: SimpleRouter) -> None:
    router.register("campaigns", CampaignViewSet, basename="campaign")
