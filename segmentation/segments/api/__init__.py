"""Endpoints of segments."""

from rest_framework.routers import BaseRouter

from segmentation.segments.api.hooks import HookViewSet
from segmentation.segments.api.segments import SegmentViewSet


def routes(router: BaseRouter) -> None:
    """Announce them."""
    router.register("segments", SegmentViewSet, basename="segment")
    router.register("segment-hooks", HookViewSet, basename="segment-hook")
