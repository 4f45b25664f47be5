"""Who is who, over the API: the queue, guarded values, rules, rates, searches."""

from datetime import timedelta
from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from members import queries as members
from members.identities import KINDS
from members.models import Guard, Identity, Rehearsal, Review
from members.oneid import precedence, queries, rules, services
from members.oneid.duplicates import SIGNALS
from scrm.lib import clock
from scrm.staff.api import PoolViewSet


class ReviewSerializer(serializers.ModelSerializer[Review]):
    """`one` and `two` are numbers of members; `two` is null when one member may be several people."""

    one = serializers.IntegerField(source="one_id")
    two = serializers.IntegerField(source="two_id", allow_null=True)

    class Meta:
        model = Review
        fields = ["id", "one", "two", "reason", "cause_kind", "evidence", "run", "status", "decided_by", "decided_at", "at"]


class DecisionSerializer(serializers.Serializer[Any]):
    reviews = serializers.ListField(child=serializers.IntegerField(min_value=1), min_length=1, max_length=services.MOST_DECIDED)
    verdict = serializers.ChoiceField(choices=["merged", "apart", "ignored"])
    keep = serializers.IntegerField(min_value=1, required=False, help_text="the member that stays, when one review is merged")


class ReviewViewSet(PoolViewSet):
    """Pairs of members a person must judge."""

    permissions: ClassVar[dict[str, str]] = {"read": "members.merge", "write": "members.merge"}
    serializer_class = ReviewSerializer
    queryset = Review.objects.none()
    lookup_value_regex = r"\d+"
    ordering: Any = ("-pk",)

    @extend_schema(
        parameters=[OpenApiParameter(name, OpenApiTypes.STR) for name in ("status", "reason", "kind", "run")],
        responses=ReviewSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        asked = request.query_params
        run = asked.get("run", "")
        found = queries.reviews(
            self.pool,
            status=asked.get("status", "open"),
            reason=asked.get("reason", ""),
            kind=asked.get("kind", ""),
            run=int(run) if run.isdecimal() and len(run) < 18 else None,
        )
        return self.get_paginated_response(ReviewSerializer(self.paginate_queryset(found), many=True).data)

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def retrieve(self, request: Request, pk: str) -> Response:
        """With what the two say, side by side."""
        review = queries.review_of(self.pool, int(pk))
        (row,) = queries.shown(self.pool, [review])
        sides = [queries.side(members.member_of(self.pool, each.pk)) for each in (row.one, row.two) if each]
        lines = queries.compare(sides[0], sides[1]) if len(sides) == 2 else []
        compared = [{"label": str(line.label), "one": line.left, "two": line.right, "differs": line.differs} for line in lines]
        return Response({**ReviewSerializer(review).data, "hint": row.hint, "joined": row.joined, "compared": compared})

    @extend_schema(request=DecisionSerializer, responses=OpenApiTypes.OBJECT)
    @action(detail=False, methods=["post"])
    def decide(self, request: Request) -> Response:
        """One verdict for up to 1,000 open reviews; those decided meanwhile are left alone."""
        given = DecisionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        keep = {said["reviews"][0]: said["keep"]} if "keep" in said and len(said["reviews"]) == 1 else None
        done = services.decide(
            pool=self.pool, reviews=said["reviews"], verdict=said["verdict"], keep=keep, actor=request.user, as_of=clock.now()
        )
        return Response({"decided": done})

    @extend_schema(request=None, responses=ReviewSerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        services.reopen(review=queries.review_of(self.pool, int(pk)), actor=request.user)
        return Response(ReviewSerializer(queries.review_of(self.pool, int(pk))).data)


class GuardSerializer(serializers.ModelSerializer[Guard]):
    """Values are masked here as everywhere."""

    members = serializers.IntegerField(source="uses.count", read_only=True)

    class Meta:
        model = Guard
        fields = ["id", "kind", "hint", "reason", "note", "is_allowed", "met", "members", "at"]


class GuardBlockSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=Identity.Kind.choices)
    values = serializers.ListField(child=serializers.CharField(max_length=120), min_length=1, max_length=1000)  # type: ignore[assignment]
    note = serializers.CharField(max_length=200, default="", allow_blank=True)


class GuardViewSet(PoolViewSet):
    """Values that many share, or that are nobody's: they join no members and lead to none."""

    permissions: ClassVar[dict[str, str]] = {"read": "members.merge", "write": "oneid.edit"}
    serializer_class = GuardSerializer
    queryset = Guard.objects.none()
    lookup_value_regex = r"\d+"
    ordering: Any = ("-pk",)

    def _guard(self, pk: str) -> Guard:
        return get_object_or_404(Guard, pool=self.pool, pk=pk)

    @extend_schema(responses=GuardSerializer(many=True))
    def list(self, request: Request) -> Response:
        found = Guard.objects.filter(pool=self.pool)
        return self.get_paginated_response(GuardSerializer(self.paginate_queryset(found), many=True).data)

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def retrieve(self, request: Request, pk: str) -> Response:
        """With the numbers of the first thousand members that used it."""
        guard = self._guard(pk)
        users = [each.pk for each in queries.users_of(guard, limit=1000)]
        return Response({**GuardSerializer(guard).data, "used_by": users})

    @extend_schema(request=GuardBlockSerializer, responses=OpenApiTypes.OBJECT)
    def create(self, request: Request) -> Response:
        """Up to 1,000 values of a kind; those that are none are named in `refused`."""
        given = GuardBlockSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        said = given.validated_data
        taken, wrong = services.block_many(
            pool=self.pool, kind=said["kind"], values=said["values"], note=said["note"], actor=request.user, as_of=clock.now()
        )
        return Response({"taken": taken, "refused": wrong}, status=201)

    @extend_schema(request=None, responses=GuardSerializer)
    @action(detail=True, methods=["post"])
    def allow(self, request: Request, pk: str) -> Response:
        """It joins people again and is never guarded by counting."""
        services.allow_value(guard=self._guard(pk), actor=request.user, as_of=clock.now())
        return Response(GuardSerializer(self._guard(pk)).data)

    @extend_schema(request=None, responses=OpenApiTypes.OBJECT)
    @action(detail=False, methods=["post"])
    def staff(self, request: Request) -> Response:
        """Telephones of the staff profiles join the list."""
        return Response({"added": services.guard_staff(pool=self.pool, actor=request.user, as_of=clock.now())})


class RulesSerializer(serializers.Serializer[Any]):
    """What is not named stays.

    `kinds`: kind → joins, rank, limit, most; `precedence`: field → rule, order; `scopes`: "kind:channel" → id.
    """

    kinds = serializers.DictField(child=serializers.DictField(), required=False)
    mail_names = serializers.ListField(child=serializers.CharField(max_length=40), max_length=100, required=False)
    scopes = serializers.DictField(child=serializers.RegexField(r"^[\w.\-]{1,40}$"), required=False)
    precedence = serializers.DictField(child=serializers.DictField(), required=False)


class OneidViewSet(PoolViewSet):
    """The rules of recognising people, and how well sources are recognised."""

    permissions: ClassVar[dict[str, str]] = {"read": "members.merge", "write": "oneid.edit", "rates": "imports.view"}
    serializer_class = RulesSerializer

    def _told(self) -> dict[str, Any]:
        own = rules.of(self.pool)
        kinds = {
            kind: {"joins": own.joins[kind], "rank": own.ranks[kind], "limit": own.limits[kind], "most": own.most[kind]}
            for kind in KINDS
        }
        trust = {field: dict(zip(("rule", "order"), precedence.order_of(own, field), strict=True)) for field in rules.FIELDS}
        return {"kinds": kinds, "mail_names": own.mail_names, "scopes": own.scopes, "precedence": trust}

    @extend_schema(request=RulesSerializer, responses=RulesSerializer)
    @action(detail=False, methods=["get", "patch"])
    def rules(self, request: Request) -> Response:
        """The rules in force; PATCH changes some, from the next import on."""
        if request.method == "PATCH":
            given = RulesSerializer(data=request.data)
            given.is_valid(raise_exception=True)
            self.request._request.pool = services.save_rules(  # type: ignore[attr-defined]
                pool=self.pool, changes=given.validated_data, actor=request.user
            )
        return Response(self._told())

    @extend_schema(
        parameters=[
            OpenApiParameter("days", OpenApiTypes.INT),
            OpenApiParameter("by", OpenApiTypes.STR, enum=["channel", "import"]),
        ],
        responses=OpenApiTypes.OBJECT,
    )
    @action(detail=False)
    def rates(self, request: Request) -> Response:
        """Per channel or import: rows, people, who was recognised by what. `members` is for `GET /api/members/?match=`."""
        days = request.query_params.get("days", "90")
        since = clock.now() - timedelta(days=min(int(days), 3650) if days.isdecimal() and len(days) < 6 else 90)
        by = queries.by_run if request.query_params.get("by") == "import" else queries.by_channel
        return Response({"results": [_rate(rate) for rate in by(self.pool, since=since)]})


def _rate(rate: queries.Rate) -> dict[str, Any]:
    return {
        "name": rate.name,
        "import": rate.run.pk if rate.run else None,
        "channel": rate.channel,
        "rows": rate.rows,
        "rows_of_nobody": rate.nobody,
        "people": rate.people,
        "rate": rate.rate,
        "counts": rate.counts,
        "by_kind": rate.kinds,
        "members": {outcome: link for outcome, link in rate.links.items() if link},
    }


class SearchSerializer(serializers.ModelSerializer[Rehearsal]):
    """`result` has counts, the largest groups and what the guard stops; empty until the job is done."""

    signals = serializers.MultipleChoiceField(choices=list(SIGNALS))

    class Meta:
        model = Rehearsal
        fields = ["id", "run", "signals", "job_id", "result", "at"]
        read_only_fields = ("run", "job_id", "result", "at")


class SearchViewSet(PoolViewSet):
    """Dry runs: of a file that was checked, or of the whole pool. They touch nobody."""

    permissions: ClassVar[dict[str, str]] = {"read": "members.merge", "write": "members.merge"}
    serializer_class = SearchSerializer
    queryset = Rehearsal.objects.none()
    lookup_value_regex = r"\d+"
    ordering: Any = ("-pk",)

    def _search(self, pk: str) -> Rehearsal:
        return queries.rehearsal_of(self.pool, int(pk))

    @extend_schema(responses=SearchSerializer(many=True))
    def list(self, request: Request) -> Response:
        found = Rehearsal.objects.filter(pool=self.pool).defer("groups")
        return self.get_paginated_response(SearchSerializer(self.paginate_queryset(found), many=True).data)

    @extend_schema(responses=SearchSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(SearchSerializer(self._search(pk)).data)

    @extend_schema(request=SearchSerializer, responses={202: SearchSerializer})
    def create(self, request: Request) -> Response:
        """Look through the whole pool, as a job."""
        given = SearchSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        made = services.search_duplicates(
            pool=self.pool, signals=list(given.validated_data["signals"]), actor=request.user, as_of=clock.now()
        )
        return Response(SearchSerializer(made).data, status=202)

    @extend_schema(request=None, responses=OpenApiTypes.OBJECT)
    @action(detail=True, methods=["post"])
    def queue(self, request: Request, pk: str) -> Response:
        """Put the pairs that were found into the queue."""
        return Response({"added": services.queue_duplicates(rehearsal=self._search(pk), actor=request.user, as_of=clock.now())})


def routes(router: SimpleRouter) -> None:
    """Recognising people under /api/oneid/."""
    router.register("oneid/reviews", ReviewViewSet, basename="review")
    router.register("oneid/guards", GuardViewSet, basename="guard")
    router.register("oneid/searches", SearchViewSet, basename="duplicate-search")
    router.register("oneid", OneidViewSet, basename="oneid")
