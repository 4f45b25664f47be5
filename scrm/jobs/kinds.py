"""What kinds of long work there are: each app declares its own in `work.py`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scrm.lib.registry import Registry

if TYPE_CHECKING:
    from scrm.jobs.running import RunningJob


@dataclass(frozen=True)
class Kind:
    title: Any  # lazy text
    run: Callable[["RunningJob"], dict[str, Any] | None]
    attempts: int


kinds: Registry[Kind] = Registry("job kind")


def job(key: str, *, title: Any, attempts: int = 5) -> Callable[[Callable[["RunningJob"], dict[str, Any] | None]], Any]:
    """Declare a kind of job. The function may be started again after a crash, with its watermark."""

    def declare(function: Callable[["RunningJob"], dict[str, Any] | None]) -> Any:
        kinds.register(key)(Kind(title, function, attempts))
        return function

    return declare
