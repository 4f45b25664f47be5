"""A pool half cut up: killed, cancelled between two parts, and taken up again where it was."""

import subprocess
import sys
import textwrap
from datetime import timedelta

import pytest
from django.utils import timezone

from members.models import Member, Pool
from scrm.jobs import running
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from segmentation.models import PortraitCut
from segmentation.portraits import cuts, services, sweeps
from tests import factories
from tests.children import environment

VICTIM = textwrap.dedent(
    """
    import sys, time
    import django
    django.setup()
    from scrm.jobs import running
    from segmentation.portraits import cuts

    def stopping(pool, report, sweep=cuts.SWEEPS["lines"]):
        found = sweep(pool, report)
        print("here", flush=True)
        time.sleep(600)
        return found

    cuts.SWEEPS = {**cuts.SWEEPS, "lines": stopping}
    running.run(int(sys.argv[1]))
    """
)
LINES = {"category", "subcategory", "brand", "goods_units", "goods_price", "price_index", "new_product_share", "top_brand_share"}


@pytest.fixture
def shop(pool: Pool, transactional_db: None) -> Pool:
    """Twelve members who bought one thing each."""
    now, powder = timezone.now(), factories.product(pool, "P1", category="奶粉")
    for n in range(12):
        order = factories.order(factories.member(pool, f"M{n}"), f"O{n}", now - timedelta(days=n), 100)
        factories.line(order, 1, powder, 100)
    return pool


def made(pool: Pool) -> dict[str, float]:
    return dict(PortraitCut.objects.filter(pool=pool).values_list("key", "ms"))


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_what_was_cut_before_a_kill_is_not_cut_again(shop: Pool) -> None:
    job = services.ask(pool=shop, actor=None)
    victim = subprocess.Popen([sys.executable, "-c", VICTIM, str(job.pk)], env=environment(), stdout=subprocess.PIPE, text=True)
    assert victim.stdout is not None
    assert victim.stdout.readline() == "here\n"
    victim.kill()
    victim.wait()
    before = made(shop)
    assert len(before) > 30
    assert not LINES & set(before), "a sweep is kept whole or not at all"
    assert running.run(job.pk) is None, "its lease is still running"
    JobRun.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(hours=1))
    assert running.run(job.pk) == JobRun.Status.DONE
    after = made(shop)
    assert set(after) >= LINES
    dated = {"age", "member_days", "order_days_ago"}  # midnight may have passed
    assert {key: ms for key, ms in after.items() if key in before and key not in dated} == {
        key: ms for key, ms in before.items() if key not in dated
    }


@pytest.mark.django_db(transaction=True)
def test_it_is_cancelled_between_two_parts_and_goes_on_when_asked_again(shop: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "PART", 3)
    job, seen = services.ask(pool=shop, actor=None), list[int]()

    def lines(pool: Pool, report: cuts.Callable[[], None]) -> sweeps.Found:
        def watched() -> None:
            seen.append(1)
            if len(seen) == 2:
                jobs.ask(job=job, what="cancel", actor=None)
            report()

        return sweeps.sweep_lines(pool, watched)

    monkeypatch.setattr(cuts, "SWEEPS", {**cuts.SWEEPS, "lines": lines})
    assert running.run(job.pk) == JobRun.Status.CANCELLED
    assert len(seen) == 2
    assert not LINES & set(made(shop))
    row = JobRun.objects.get(pk=job.pk)
    assert 0 < row.done < row.total
    again = services.ask(pool=shop, actor=None)
    assert running.run(again.pk) == JobRun.Status.DONE
    assert len(seen) >= 2 + Member.objects.count() // 3
    assert set(made(shop)) >= LINES
