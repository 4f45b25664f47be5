"""Real worker processes for the tests under fire: one program that has Django loaded and forks on command.

Each line on standard input is a JSON order; the pid of the worker that carries it out is printed.
"""

import json
import os
import signal
import sys
from datetime import datetime, timedelta
from typing import Any


def work(order: dict[str, Any]) -> None:
    """What one worker does until it is done, killed or frozen."""
    from dataclasses import replace

    from touchpoints import outbox
    from touchpoints.connectors import base
    from touchpoints.connectors.fake import Fake

    if order.get("batch"):
        Fake.caps = replace(Fake.caps, batch=order["batch"])
    if order.get("freeze"):
        freeze_after_the_intent(outbox, order["freeze"])
    if order.get("sabotage") == "no guard":
        base.Deadline.passed = lambda self: False  # type: ignore[method-assign]
    if order.get("sabotage") == "clock started after the intent":
        outbox.Deadline = late_clock(base.Deadline)  # type: ignore[misc, attr-defined]
    if order.get("sabotage") == "blind retry":
        retry_blindly(outbox)
    lease, budget, grace = order["pace"]
    pace = outbox.Pace(timedelta(seconds=lease), budget, timedelta(seconds=grace))
    as_of = datetime.fromisoformat(order["as_of"])
    outbox.pump(order["step"], as_of=as_of, seconds=order.get("seconds", 30), pace=pace, chunk=order.get("chunk", 50))


def freeze_after_the_intent(outbox: Any, method: str) -> None:
    """Stop this very process once, between the commit of the intent and the first send."""
    inner = getattr(outbox._Shift, method)
    frozen = []

    def stopping(*args: Any) -> Any:
        answer = inner(*args)
        if answer and not frozen:
            frozen.append(True)
            os.kill(os.getpid(), signal.SIGSTOP)
        return answer

    setattr(outbox._Shift, method, stopping)


def late_clock(deadline: Any) -> Any:
    """The mistake of starting the clock when the intent has been answered."""

    class Late(deadline):  # type: ignore[misc]
        def __init__(self, seconds: float) -> None:
            self.seconds, self.started = seconds, False

        def passed(self) -> bool:
            if not self.started:
                self.started = True
                super().__init__(self.seconds)
            return bool(super().passed())

    return Late


def retry_blindly(outbox: Any) -> None:
    """The mistake of taking silence for a no."""
    inner = outbox._Shift._verdict

    def verdict(self: Any, outcome: Any, attempt: int) -> Any:
        if type(outcome).__name__ == "Unknown":
            outcome = outbox.base.Retryable(outcome.detail, after=timedelta(0))
        return inner(self, outcome, attempt)

    outbox._Shift._verdict = verdict


def main() -> None:
    import django

    django.setup()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead leave no zombies
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                work(json.loads(line))
            except BaseException as error:
                print(f"worker: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
                os._exit(1)
            os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
