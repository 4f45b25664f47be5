"""The name under which lower apps know a campaign: "campaign:42:run:7:send"."""

import re

from campaigns.models import Campaign, Run
from touchpoints.models import Step

_SHAPE = re.compile(r"^campaign:(\d+):run:(\d+):([a-z0-9_]+)$")


def source_of(run: Run, node: str) -> str:
    """The source of the step that a node of a run opens."""
    return f"campaign:{run.campaign_id}:run:{run.pk}:{node}"


def run_of(source: str) -> int | None:
    """The run that a step belongs to; None when no campaign opened it."""
    found = _SHAPE.match(source)
    return int(found[2]) if found else None


def steps_of(run: Run) -> list[Step]:
    """The steps a run has opened, oldest first."""
    return list(Step.objects.filter(source__startswith=f"campaign:{run.campaign_id}:run:{run.pk}:").order_by("pk"))


def steps_of_campaign(campaign: Campaign) -> list[Step]:
    return list(Step.objects.filter(source__startswith=f"campaign:{campaign.pk}:run:").order_by("pk"))


def step_ids(run: Run) -> list[int]:
    return [step.pk for step in steps_of(run)]
