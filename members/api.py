"""Members, their tags, consents, orders and timeline, and events in batches, under /api/."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from members import consents, listing, merging, people, queries, tagging, timeline
from members import serializers as s
from members.attributes.shown import sensitive_keys
from members.events import LIMIT, REFUSALS, Sent, record_events
from members.importing import api as importing
from members.models import Consent, Identity, Member, Tag
from members.privacy import erasing, looks
from members.tagging import api as tags
from scrm.lib import clock
from scrm.lib.problems import Problem
from scrm.staff.api import PoolViewSet
from scrm.staff.audit import audit
from scrm.staff.models import ApiToken
from scrm.staff.permissions import may


def _parameters(*names: str) -> list[OpenApiParameter]:
    return [OpenApiParameter(name, OpenApiTypes.STR) for name in names]


class MemberViewSet(PoolViewSet):
    """Members of the token's pool. Merged ones answer as the member they became."""

    permissions: ClassVar[dict[str, str]] = {
        "read": "members.view",
        "write": "members.edit",
        "tag": "tags.edit",
        "untag": "tags.edit",
        "merge": "members.merge",
    }
    serializer_class = s.MemberSerializer
    queryset = Member.objects.none()
    lookup_value_regex = r"\d+"
    ordering: Any = ("-placed_at", "-id")

    def _member(self, pk: str) -> Member:
        member = queries.member_of(self.pool, int(pk))
        if erasing.is_erased(member):
            raise Http404(_("这位会员的个人数据已被抹除"))
        return queries.member_of(self.pool, member.merged_into) if member.merged_into else member

    def _shown(self, members: Sequence[Member]) -> Any:
        """Members with identities and tags: two reads for all of them."""
        reveal = self._may_reveal()
        found: dict[int, list[Identity]] = {}
        for row in Identity.objects.filter(member__in=[each.pk for each in members]).order_by("kind", "value_hash"):
            found.setdefault(row.member_id, []).append(row)
        if reveal and found:
            looks.note(
                pool_id=self.pool.pk,
                actor=self.request.user,
                what=looks.What.API,
                members=sorted(found),
                via=looks.via(self.request._request),
                as_of=clock.now(),
            )
            audit(actor=self.request.user, action="member.reveal", pool_id=self.pool.pk, by="api", ids=sorted(found))
        sensitive = [] if reveal else sensitive_keys(self.pool)
        context = {"identities": found, "tags": queries.tags_of(members), "reveal": reveal, "sensitive": sensitive}
        return s.MemberSerializer(members, many=True, context=context).data

    def _may_reveal(self) -> bool:
        token = self.request.auth
        return isinstance(token, ApiToken) and "members.reveal" in token.scopes and may(self.role, "members.reveal")

    @extend_schema(
        parameters=_parameters(
            "q",
            "stage",
            "rfm",
            "tag",
            "tag_all",
            "tag_not",
            "channel",
            "status",
            "gender",
            "age_min",
            "age_max",
            "birthday",
            "province",
            "city",
            "orders_min",
            "orders_max",
            "amount_min",
            "amount_max",
            "last_min",
            "last_max",
            "joined_min",
            "joined_max",
            "consent",
            "reachable",
            "identity",
            "identity_not",
            "owner",
            "segment",
            "sort",
            "after",
            "before",
            "limit",
        ),
        responses=s.MemberSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        """The filters of the page: `GET /api/member-filters/` lists them all with their values, the pool's own fields too.

        `sort`: joined, last_order, amount, orders; `-` before it turns it round. 422 names a value nobody knows.
        """
        params = request.query_params
        wanted = params.get("limit", "")
        limit = min(max(int(wanted), 1), 200) if wanted.isdecimal() and len(wanted) < 10 else listing.PAGE
        asked = listing.ask(params, self.pool)
        asked.refuse_wrong()
        page = listing.page(asked, after=params.get("after", ""), before=params.get("before", ""), limit=limit)
        links = {"next": self._link("after", page.next), "previous": self._link("before", page.previous)}
        return Response({**links, "results": self._shown(page.rows)})

    def _link(self, key: str, cursor: str) -> str | None:
        if not cursor:
            return None
        params = self.request.query_params.copy()
        for each in ("after", "before"):
            params.pop(each, None)
        params[key] = cursor
        return self.request.build_absolute_uri(f"{self.request.path}?{params.urlencode()}")

    @extend_schema(responses=s.MemberSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self._shown([self._member(pk)])[0])

    @extend_schema(request=s.NewMemberSerializer, responses=s.MemberSerializer)
    def create(self, request: Request) -> Response:
        """422 with the code `identity.taken` and the member's id when an identity belongs to somebody."""
        given = s.NewMemberSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = people.create_member(
            pool=self.pool, facts=given.facts(), known_as=given.known_as(), actor=request.user, as_of=clock.now()
        )
        return Response(self._shown([queries.member_of(self.pool, made.pk)])[0], status=201)

    @extend_schema(request=s.FactsSerializer, responses=s.MemberSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        given = s.FactsSerializer(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        people.edit_member(member=self._member(pk), changes=given.facts(), actor=request.user, as_of=clock.now())
        return self.retrieve(request, pk)

    @extend_schema(request=s.GivenIdentity, responses=s.MemberSerializer)
    @action(detail=True, methods=["post"])
    def identities(self, request: Request, pk: str) -> Response:
        given = s.GivenIdentity(data=request.data)
        given.is_valid(raise_exception=True)
        people.add_identity(member=self._member(pk), **given.validated_data, actor=request.user, as_of=clock.now())
        return self.retrieve(request, pk)

    # -- Tags
    @extend_schema(responses=s.MemberTagSerializer(many=True))
    @action(detail=True, methods=["get"])
    def tags(self, request: Request, pk: str) -> Response:
        return self._carried(self._member(pk))

    def _carried(self, member: Member) -> Response:
        return Response(s.MemberTagSerializer(tagging.of_member(member), many=True).data)

    @extend_schema(request=s.Chosen, responses=s.MemberTagSerializer(many=True))
    @tags.mapping.post
    def tag(self, request: Request, pk: str) -> Response:
        member, chosen = self._member(pk), self._tag(request.data)
        tagging.add_tag(tag=chosen, members=[member.pk], actor=request.user, as_of=clock.now())
        return self._carried(member)

    @extend_schema(parameters=_parameters("tag"), responses=s.MemberTagSerializer(many=True))
    @tags.mapping.delete
    def untag(self, request: Request, pk: str) -> Response:
        member, chosen = self._member(pk), self._tag(request.query_params)
        tagging.remove_tag(tag=chosen, members=[member.pk], actor=request.user, as_of=clock.now())
        return self._carried(member)

    def _tag(self, data: Any) -> Tag:
        given = s.Chosen(data=data)
        given.is_valid(raise_exception=True)
        return get_object_or_404(Tag, pool=self.pool, pk=given.validated_data["tag"])

    # -- Consents
    @extend_schema(responses=s.ConsentSerializer(many=True))
    @action(detail=True, methods=["get"])
    def consents(self, request: Request, pk: str) -> Response:
        """What holds now."""
        return self._holding(self._member(pk))

    def _holding(self, member: Member) -> Response:
        found = Consent.objects.filter(member=member).order_by("carrier", "purpose")
        return Response(s.ConsentSerializer(found, many=True).data)

    @extend_schema(request=s.GivenConsent, responses=s.ConsentSerializer(many=True))
    @consents.mapping.post
    def consent(self, request: Request, pk: str) -> Response:
        given = s.GivenConsent(data=request.data)
        given.is_valid(raise_exception=True)
        report = {"at": clock.now(), **given.validated_data}
        if report["at"] > clock.now():
            raise Problem("consent.future", "the time of a consent cannot lie in the future", {"at": ["future"]})
        member = self._member(pk)
        consents.record(member=member, **report, source="api", actor=request.user)
        return self._holding(member)

    @extend_schema(responses=s.ConsentEntrySerializer(many=True))
    @action(detail=True, methods=["get"], url_path="consent-entries")
    def consent_entries(self, request: Request, pk: str) -> Response:
        """Every grant and withdrawal, newest first."""
        return Response(s.ConsentEntrySerializer(consents.entries(self._member(pk)), many=True).data)

    # -- What they did
    @extend_schema(responses=s.OrderSerializer(many=True))
    @action(detail=True, methods=["get"])
    def orders(self, request: Request, pk: str) -> Response:
        page = self.paginate_queryset(queries.orders_of(self._member(pk)))
        return self.get_paginated_response(s.OrderSerializer(page, many=True).data)

    @extend_schema(responses=s.LineSerializer(many=True))
    @action(detail=True, methods=["get"], url_path=r"orders/(?P<order_id>-?\d+)/lines")
    def lines(self, request: Request, pk: str, order_id: str) -> Response:
        order = queries.order_of(self._member(pk), int(order_id))
        return Response(s.LineSerializer(queries.lines_of(order), many=True).data)

    @extend_schema(parameters=_parameters("kind", "cursor"), responses=s.MomentSerializer(many=True))
    @action(detail=True, methods=["get"])
    def timeline(self, request: Request, pk: str) -> Response:
        """Newest first; give `next` back as `cursor` for more."""
        known = [key for key, each in timeline.sources.items() if may(self.role, each.permission)]
        kinds = [kind for kind in request.query_params.getlist("kind") if kind in known] or known
        cursor = timeline.Cursor.parse(request.query_params.get("cursor", ""))
        found, following = timeline.page(self._member(pk), kinds=kinds, cursor=cursor)
        return Response({"next": str(following) if following else None, "results": s.MomentSerializer(found, many=True).data})

    @extend_schema(request=s.Loser, responses=s.MemberSerializer)
    @action(detail=True, methods=["post"])
    def merge(self, request: Request, pk: str) -> Response:
        """Make `loser` part of this member."""
        given = s.Loser(data=request.data)
        given.is_valid(raise_exception=True)
        winner, loser = self._member(pk), queries.member_of(self.pool, given.validated_data["loser"])
        merging.merge_pairs(
            pool_id=self.pool.pk,
            pairs=[(winner.pk, loser.pk)],
            cause=merging.Cause("manual"),
            actor=request.user,
            as_of=clock.now(),
        )
        return self.retrieve(request, str(winner.pk))


class EventViewSet(PoolViewSet):
    """Events in batches of at most 1,000. The same batch again adds nothing."""

    permissions: ClassVar[dict[str, str]] = {"read": "members.view", "write": "members.edit"}
    serializer_class = s.EventBatch

    @extend_schema(request=s.EventBatch, responses=s.TakenSerializer)
    def create(self, request: Request) -> Response:
        events = request.data.get("events") if isinstance(request.data, dict) else None
        if isinstance(events, list) and len(events) > LIMIT:
            raise Problem("events.too_many", f"at most {LIMIT} events at a time", {"events": [f"at most {LIMIT}"]})
        given = s.EventBatch(data=request.data)
        given.is_valid(raise_exception=True)
        batch = [self._sent(row) for row in given.validated_data["events"]]
        taken = record_events(pool=self.pool, events=batch, actor=request.user, as_of=clock.now())
        results = [{"index": n, "id": event.id, "outcome": taken.outcomes[n]} for n, event in enumerate(batch)]
        refused = [{"index": n, "id": batch[n].id, "code": code, "message": str(REFUSALS[code])} for n, code in taken.refused]
        answer = {"added": taken.added, "repeated": taken.repeated, "refused": refused, "results": results}
        return Response(answer, status=201)

    def _sent(self, row: dict[str, Any]) -> Sent:
        identity = row.pop("identity", None)
        return Sent(**row, identity=(identity["kind"], identity["value"]) if identity else None)


def routes(router: SimpleRouter) -> None:
    """Everything members answer under /api/."""
    router.register("members", MemberViewSet, basename="member")
    router.register("events", EventViewSet, basename="event")
    tags.routes(router)
    importing.routes(router)
