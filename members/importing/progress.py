"""How far an import is: a job's checkpoints, or a callable for who runs one without a job."""

from collections.abc import Callable
from typing import Any, Protocol

Report = Callable[[int, int | None, str], None]  # done, total, phase


class Progress(Protocol):
    """What `scrm.jobs` gives a running job; the pipeline needs no more of it."""

    watermark: dict[str, Any]

    def checkpoint(
        self,
        *,
        done: int | None = None,
        total: int | None = None,
        phase: str | None = None,
        watermark: dict[str, Any] | None = None,
    ) -> None: ...


class Direct:
    """Progress of an import that nobody can pause: tests, the demo, benchmarks."""

    def __init__(self, report: Report | None = None) -> None:
        self.watermark: dict[str, Any] = {}
        self._report, self._done, self._total, self._phase = report, 0, None, ""  # type: ignore[assignment]

    def checkpoint(
        self,
        *,
        done: int | None = None,
        total: int | None = None,
        phase: str | None = None,
        watermark: dict[str, Any] | None = None,
    ) -> None:
        self.watermark = watermark if watermark is not None else self.watermark
        self._done = done if done is not None else self._done
        self._total = total if total is not None else self._total  # type: ignore[assignment]
        self._phase = phase or self._phase
        if self._report:
            self._report(self._done, self._total, self._phase)
