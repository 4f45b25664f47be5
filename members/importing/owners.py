"""Who looks after a member, where a file says it: written down as every other change of hands, and as a revert undoes it."""

from typing import Any

from members.models import ImportRun, OwnerChange


def noted(run: ImportRun) -> dict[str, Any]:
    """What the history says of a change that this import made; a revert knows its rows by the reason."""
    return {"how": int(OwnerChange.How.IMPORT), "reason": reason(run), "actor": run.actor.pk if run.actor else None}


def reason(run: ImportRun) -> str:
    return f"#{run.pk} {run.file_name}"[:200]
