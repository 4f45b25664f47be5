"""Sites and visitors over the API."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from members.models import Channel, Identity, Site
from members.tracking import queries, services, stitching
from scrm.lib import clock
from scrm.staff.api import PoolViewSet


class SiteSerializer(serializers.ModelSerializer[Site]):
    """A site; `key` is public, the signing secret is not given out here."""

    channel = serializers.SlugRelatedField(slug_field="code", queryset=Channel.objects.all(), required=False, allow_null=True)
    origins = serializers.ListField(child=serializers.CharField(max_length=200), allow_empty=False)

    class Meta:
        model = Site
        fields = ["id", "name", "key", "origins", "channel", "consent", "is_active", "created_at", "heard_at"]
        read_only_fields = ["key", "created_at", "heard_at"]


class VisitorSerializer(serializers.Serializer[Any]):
    """A visitor and the identity they turned out to have."""

    visitor = serializers.RegexField(r"^[A-Za-z0-9_-]{8,64}$")
    kind = serializers.ChoiceField(choices=[(kind.value, kind.label) for kind in Identity.STRONG])
    value = serializers.CharField(max_length=120)


class IdentifiedSerializer(serializers.Serializer[Any]):
    member = serializers.IntegerField()


class SiteViewSet(PoolViewSet):
    """Sites whose visits are recorded."""

    permissions: ClassVar[dict[str, str]] = {"read": "sites.view", "write": "sites.edit"}
    serializer_class = SiteSerializer
    queryset = Site.objects.none()
    lookup_value_regex = r"\d+"
    ordering = "id"

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(Site.objects.filter(pool=self.pool).select_related("channel"))
        return self.get_paginated_response(SiteSerializer(page, many=True).data)

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(SiteSerializer(queries.site_of(self.pool, int(pk))).data)

    def create(self, request: Request) -> Response:
        return Response(self._saved(request, None), status=201)

    def partial_update(self, request: Request, pk: str) -> Response:
        return Response(self._saved(request, queries.site_of(self.pool, int(pk))))

    def _saved(self, request: Request, site: Site | None) -> dict[str, Any]:
        given = SiteSerializer(site, data=request.data, partial=site is not None)
        given.is_valid(raise_exception=True)
        facts = {"channel": None, "consent": Site.Consent.ASKED, "is_active": True}
        facts |= {name: getattr(site, name) for name in ("name", "origins", "channel", "consent", "is_active")} if site else {}
        facts |= given.validated_data
        saved = services.save_site(pool=self.pool, site=site, actor=request.user, as_of=clock.now(), **facts)
        return dict(SiteSerializer(saved).data)


class VisitorViewSet(PoolViewSet):
    """A program that knows who a visitor is says so; what they did before becomes the member's."""

    permissions: ClassVar[dict[str, str]] = {"read": "members.view", "write": "members.edit"}
    serializer_class = VisitorSerializer

    @extend_schema(request=VisitorSerializer, responses=IdentifiedSerializer)
    def create(self, request: Request) -> Response:
        given = VisitorSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        member = stitching.identify(pool=self.pool, **given.validated_data, actor=request.user, as_of=clock.now())
        return Response({"member": member.pk})


def routes(router: SimpleRouter) -> None:
    router.register("sites", SiteViewSet, basename="site")
    router.register("visitors", VisitorViewSet, basename="visitor")
