"""A pool's own fields over the API."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from members.attributes import queries, services, usage
from members.models import AttributeField
from scrm.staff.api import PoolViewSet


class ChoiceSerializer(serializers.Serializer[Any]):
    """`was` is the value it has now: with another `value` it is renamed, left out it is a new choice."""

    value = serializers.CharField(max_length=60)
    label = serializers.CharField(max_length=60, default="", allow_blank=True)  # type: ignore[assignment]
    label_en = serializers.CharField(max_length=60, default="", allow_blank=True)
    was = serializers.CharField(max_length=60, required=False, allow_blank=True, write_only=True)


class FieldSerializer(serializers.ModelSerializer[AttributeField]):
    choices = ChoiceSerializer(many=True, required=False)

    class Meta:
        model = AttributeField
        fields = [
            *("id", "key", "label", "label_en", "kind", "choices", "unit", "description", "is_sensitive", "position"),
            "is_archived",
        ]
        read_only_fields = ("position", "is_archived")


class OrderSerializer(serializers.Serializer[Any]):
    keys = serializers.ListField(child=serializers.CharField(max_length=40), max_length=services.MOST_FIELDS)


class DistributionSerializer(serializers.Serializer[Any]):
    members = serializers.IntegerField()
    values = serializers.ListField(child=serializers.DictField())
    numbers = serializers.DictField(allow_null=True)


class FieldViewSet(PoolViewSet):
    """Fields the pool declares for its members; usable in imports, lists and segments at once. `key` and `kind` stay."""

    permissions: ClassVar[dict[str, str]] = {"read": "members.view", "write": "attributes.edit"}
    serializer_class = FieldSerializer
    queryset = AttributeField.objects.none()
    lookup_value_regex = r"\d+"
    ordering: Any = ("position", "pk")

    def _field(self, pk: str) -> AttributeField:
        return get_object_or_404(AttributeField.objects.select_related("pool"), pool=self.pool, pk=pk)

    def _shown(self, field: AttributeField, status: int = 200) -> Response:
        return Response(FieldSerializer(self._field(str(field.pk))).data, status=status)

    def list(self, request: Request) -> Response:
        """All of them in the pool's order, archived ones too; there are at most a hundred."""
        return Response({"results": FieldSerializer(queries.fields_of(self.pool, archived=True), many=True).data})

    def retrieve(self, request: Request, pk: str) -> Response:
        return self._shown(self._field(pk))

    def create(self, request: Request) -> Response:
        given = FieldSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        facts = dict(given.validated_data)
        choices = [services.Choice(**{**choice, "was": ""}) for choice in facts.pop("choices", [])]
        return self._shown(services.create_field(pool=self.pool, choices=choices, actor=request.user, **facts), 201)

    def partial_update(self, request: Request, pk: str) -> Response:
        """`choices`, when given, are all choices there shall be. One with `was` keeps its members, whatever its value becomes."""
        field = self._field(pk)
        given = FieldSerializer(field, data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        facts = {name: value for name, value in given.validated_data.items() if name in services.FACTS}
        choices = self._choices(field, given.validated_data.get("choices"))
        services.edit_field(field=field, choices=choices, actor=request.user, **facts)
        return self._shown(field)

    def _choices(self, field: AttributeField, given: Any) -> Sequence[services.Choice] | None:
        if given is None:
            return None
        known = set(field.values)
        # A choice that says nothing of its past and has a known value is that one.
        return [services.Choice(**{"was": one["value"] if one["value"] in known else "", **one}) for one in given]

    def destroy(self, request: Request, pk: str) -> Response:
        """422 `attribute.in_use` while a mapping, view or segment names it."""
        services.delete_field(field=self._field(pk), actor=request.user)
        return Response(status=204)

    @extend_schema(request=None, responses=FieldSerializer)
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, pk: str) -> Response:
        services.archive_field(field=self._field(pk), archived=True, actor=request.user)
        return self._shown(self._field(pk))

    @extend_schema(request=None, responses=FieldSerializer)
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk: str) -> Response:
        services.archive_field(field=self._field(pk), archived=False, actor=request.user)
        return self._shown(self._field(pk))

    @extend_schema(request=OrderSerializer, responses=FieldSerializer(many=True))
    @action(detail=False, methods=["post"])
    def order(self, request: Request) -> Response:
        """Put fields in this order; those not named come after them."""
        given = OrderSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        services.order_fields(pool=self.pool, keys=given.validated_data["keys"], actor=request.user)
        return self.list(request)

    @extend_schema(responses=DistributionSerializer)
    @action(detail=True, methods=["get"])
    def distribution(self, request: Request, pk: str) -> Response:
        """How many members have which value (`first` = `last`) or one between two; of numbers the quartiles too."""
        found = queries.distribution(self.pool, self._field(pk))
        parts = [{"first": part.first, "last": part.last, "label": part.label, "members": part.members} for part in found.parts]
        return Response({"members": found.members, "values": parts, "numbers": found.numbers})

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=True, methods=["get"])
    def uses(self, request: Request, pk: str) -> Response:
        """What would miss the field."""
        found = usage.uses(self._field(pk))
        return Response({"results": [{"kind": str(use.kind), "name": use.name, "url": use.url} for use in found]})


def routes(router: SimpleRouter) -> None:
    router.register("attribute-fields", FieldViewSet, basename="attribute-field")
