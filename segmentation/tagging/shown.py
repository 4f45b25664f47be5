"""What rules show on the pages of tags."""

from typing import Any

from django.http import HttpRequest

from members.models import Tag
from members.privacy.deciding import decide, free
from members.tagging import keepers
from segmentation.tagging import queries

decide("segmentation.TagRule", free("conditions over facts, written for everybody"))


def _panel(_request: HttpRequest, tag: Tag) -> dict[str, Any]:
    return queries.panel(tag)


keepers.register(of=queries.kept, template="tagrules/panel.html", context=_panel)
