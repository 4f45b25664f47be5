"""Models over the API: what they are worth, what they say, on and off, training, and the tag they keep."""

from typing import Any, ClassVar

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from members.models import TagGroup
from scrm.lib import clock
from scrm.staff.api import PoolViewSet
from segmentation.models import ModelVersion, Predictor
from segmentation.predicting import outcomes, queries, services
from segmentation.predicting.declaring import is_known, model

KEY = OpenApiParameter("key", str, OpenApiParameter.PATH, description="The model: churn, halving, purchases, ltv, next …")
MOST = 1000


class MetricSerializer(serializers.Serializer[Any]):
    """One figure of the hold-out; `change` is the model's minus the baseline's, with 95 % limits."""

    key = serializers.CharField()
    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    baseline = serializers.FloatField(allow_null=True)
    change = serializers.FloatField(allow_null=True)
    change_low = serializers.FloatField(allow_null=True)
    change_high = serializers.FloatField(allow_null=True)
    main = serializers.BooleanField(help_text="The one that decides whether the baseline is beaten.")


class ModelVersionSerializer(serializers.ModelSerializer[ModelVersion]):
    metrics = MetricSerializer(many=True)

    class Meta:
        model = ModelVersion
        fields = [
            "number", "status", "as_of", "settings", "window", "sizes", "metrics", "beats", "calibration", "importance", "items",
            "params", "error", "started_at", "ms",
        ]  # fmt: skip


class ThresholdSerializer(serializers.Serializer[Any]):
    """Beyond it members get the tag: by percentile (1 … 100), or by value in the model's unit (shares of one, minor units)."""

    by = serializers.ChoiceField(["percentile", "value"])
    op = serializers.ChoiceField(["gte", "lte"])
    value = serializers.FloatField()


class PredictorTagSerializer(ThresholdSerializer):
    group = serializers.IntegerField(help_text="A group of tags.")
    name = serializers.CharField(max_length=40)


class PredictorSerializer(serializers.Serializer[Any]):
    """`state`: new, training, lacking (not enough data), failed, unproven (does not beat its baseline), ready."""

    key = serializers.CharField(read_only=True)
    title = serializers.CharField(read_only=True)
    about = serializers.CharField(source="model.about", read_only=True)
    baseline = serializers.CharField(source="model.baseline", read_only=True)
    unit = serializers.CharField(source="model.unit", read_only=True)
    state = serializers.CharField(read_only=True)
    is_on = serializers.BooleanField(source="predictor.is_on", default=False)
    settings = serializers.DictField(source="predictor.settings", required=False)
    scored = serializers.IntegerField(source="predictor.scored", default=0, read_only=True)
    scored_as_of = serializers.DateTimeField(source="predictor.scored_as_of", default=None, read_only=True)
    scored_by = serializers.IntegerField(source="predictor.version.number", default=None, read_only=True)
    tag = serializers.IntegerField(source="predictor.tag_id", default=None, read_only=True)
    threshold = ThresholdSerializer(source="predictor.threshold", default=None, read_only=True)
    tagged = serializers.IntegerField(source="predictor.tagged", default=None, read_only=True)
    version = ModelVersionSerializer(read_only=True, allow_null=True)
    job = serializers.IntegerField(source="predictor.job_id", default=None, read_only=True)


class PredictorChangeSerializer(serializers.Serializer[Any]):
    is_on = serializers.BooleanField(required=False)
    settings = serializers.DictField(required=False, help_text="Hold from the next training on.")


class ExpandSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    n = serializers.IntegerField(min_value=1, max_value=outcomes.MOST, help_text="How many members.")


class ExpandedSerializer(serializers.Serializer[Any]):
    segment = serializers.IntegerField(help_text="The list that was made.")
    size = serializers.IntegerField()


class NamesSerializer(serializers.Serializer[Any]):
    names = serializers.ListField(child=serializers.CharField(max_length=outcomes.LONGEST), help_text="In the order of codes.")


class TrainingSerializer(serializers.Serializer[Any]):
    job = serializers.IntegerField(help_text="The job that trains and scores.")


class ScoreSerializer(serializers.Serializer[Any]):
    member = serializers.IntegerField(source="member_id")
    value = serializers.FloatField(allow_null=True, help_text="Null: no finite answer, such as never.")
    percentile = serializers.IntegerField(allow_null=True)
    code = serializers.IntegerField(allow_null=True)
    more = serializers.ListField(child=serializers.FloatField(allow_null=True), allow_null=True)


class ScorePageSerializer(serializers.Serializer[Any]):
    results = ScoreSerializer(many=True)
    next = serializers.IntegerField(allow_null=True, help_text="Send it as `after` for the next page.")


class PredictionViewSet(PoolViewSet):
    """Predictive models of the pool."""

    permissions: ClassVar[dict[str, str]] = {
        "read": "segments.view", "write": "predictions.edit", "tag": "tags.edit", "untag": "tags.edit", "scores": "members.view",
        "expand": "segments.edit",
    }  # fmt: skip
    serializer_class = PredictorSerializer
    pagination_class = None
    filter_backends: list[Any] = []
    lookup_field = "key"
    lookup_value_regex = "[a-z0-9_:]+"

    def _row(self, key: str) -> queries.Row:
        if not is_known(key) or not model(key).exists(self.pool.pk, key):
            raise Http404(f"no model {key!r}")
        return queries.row(self.pool, key, queries.predictor(self.pool, key))

    def _predictor(self, key: str) -> Predictor:
        if not is_known(key):
            raise Http404(f"no model {key!r}")
        return services.predictor_of(pool=self.pool, key=key)

    def _answer(self, key: str) -> Response:
        return Response(PredictorSerializer(self._row(key)).data)

    @extend_schema(operation_id="predictions_list", responses=PredictorSerializer(many=True))
    def list(self, request: Request) -> Response:
        """Every model, with its newest version's figures."""
        return Response(PredictorSerializer(queries.shelf(self.pool), many=True).data)

    @extend_schema(operation_id="predictions_retrieve", parameters=[KEY], responses=PredictorSerializer)
    def retrieve(self, request: Request, key: str) -> Response:
        """One model."""
        return self._answer(key)

    @extend_schema(parameters=[KEY], request=PredictorChangeSerializer, responses=PredictorSerializer)
    def partial_update(self, request: Request, key: str) -> Response:
        """Switch it on or off, or change its settings."""
        sent = PredictorChangeSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        predictor, given = self._predictor(key), sent.validated_data
        if "settings" in given:
            predictor = services.configure(predictor=predictor, settings=given["settings"], actor=request.user)
        if "is_on" in given:
            services.switch(predictor=predictor, on=given["is_on"], actor=request.user)
        return self._answer(key)

    @extend_schema(parameters=[KEY], request=None, responses={202: TrainingSerializer})
    @action(detail=True, methods=["post"])
    def train(self, request: Request, key: str) -> Response:
        """Train a new version now; scores follow when the model is on."""
        job = services.ask(predictor=self._predictor(key), train=True, actor=request.user)
        return Response({"job": job.pk}, status=202)

    @extend_schema(parameters=[KEY], request=ExpandSerializer, responses={201: ExpandedSerializer})
    @action(detail=True, methods=["post"])
    def expand(self, request: Request, key: str) -> Response:
        """Of a look-alike: a static list of the members who resemble the seeds most."""
        sent = ExpandSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        made = outcomes.expand(predictor=self._predictor(key), **sent.validated_data, actor=request.user, as_of=clock.now())
        return Response({"segment": made.pk, "size": made.size}, status=201)

    @extend_schema(parameters=[KEY], request=NamesSerializer, responses=PredictorSerializer)
    @action(detail=True, methods=["put"])
    def names(self, request: Request, key: str) -> Response:
        """What the groups of the newest version are called."""
        sent = NamesSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        outcomes.name_groups(predictor=self._predictor(key), names=sent.validated_data["names"], actor=request.user)
        return self._answer(key)

    @extend_schema(parameters=[KEY], responses=ModelVersionSerializer(many=True))
    @action(detail=True)
    def versions(self, request: Request, key: str) -> Response:
        """What was trained so far, the newest first."""
        row = self._row(key)
        found = queries.versions(row.predictor) if row.predictor else []
        return Response(ModelVersionSerializer(found, many=True).data)

    @extend_schema(
        parameters=[KEY, OpenApiParameter("after", int, description="A member's id."), OpenApiParameter("limit", int)],
        responses=ScorePageSerializer,
    )
    @action(detail=True)
    def scores(self, request: Request, key: str) -> Response:
        """What the model says of members, in order of their ids."""
        row = self._row(key)
        after, limit = (_number(request.query_params.get(name, ""), usual) for name, usual in (("after", 0), ("limit", 100)))
        limit = max(1, min(limit, MOST))
        found = list(queries.scores(self.pool, row.key).filter(member_id__gt=after)[: limit + 1])
        page = found[:limit]
        more = page[-1].member_id if len(found) > limit else None
        return Response(ScorePageSerializer({"results": page, "next": more}).data)

    @extend_schema(parameters=[KEY], request=PredictorTagSerializer, responses=PredictorSerializer)
    @action(detail=True, methods=["put"])
    def tag(self, request: Request, key: str) -> Response:
        """Have a tag kept on the members beyond a threshold."""
        sent = PredictorTagSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        given = dict(sent.validated_data)
        group = TagGroup.objects.filter(pool=self.pool, pk=given.pop("group")).first()
        if group is None:
            raise serializers.ValidationError({"group": ["no such group of tags"]})
        name = given.pop("name")
        services.set_tag(
            predictor=self._predictor(key), group=group, name=name, threshold=services.Threshold(**given), actor=request.user
        )
        return self._answer(key)

    @extend_schema(parameters=[KEY], responses=PredictorSerializer)
    @tag.mapping.delete
    def untag(self, request: Request, key: str) -> Response:
        """Keep no tag any more; whoever carries it keeps it."""
        services.drop_tag(predictor=self._predictor(key), actor=request.user)
        return self._answer(key)


def _number(text: str, usual: int) -> int:
    return int(text) if text.isdecimal() and len(text) < 12 else usual


def routes(router: Any) -> None:
    router.register("predictions", PredictionViewSet, basename="predictions")
