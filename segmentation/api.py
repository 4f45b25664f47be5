"""The endpoints of this app; each noun declares its own."""

from rest_framework.routers import BaseRouter

from segmentation.predicting import api as predicting
from segmentation.recalculation import api as recalculation
from segmentation.segments import api as segments
from segmentation.standings import api as standings
from segmentation.tagging import api as tagging


def routes(router: BaseRouter) -> None:
    """Announce this app's endpoints."""
    segments.routes(router)
    recalculation.routes(router)
    predicting.routes(router)
    tagging.routes(router)
    standings.routes(router)
