"""A new key, every value sealed anew, the old key taken away; also when somebody pulls the plug in the middle."""

import base64
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from django.core.management import call_command
from django.core.management.base import CommandError

from members import identities
from members.models import Identity, Member, Pool
from members.privacy import sealing
from scrm.jobs import running
from scrm.jobs.models import JobRun
from scrm.lib import crypto
from scrm.lib.problems import Problem
from tests import children, factories

OLD, NEW = (base64.urlsafe_b64encode(letter * 32).decode() for letter in (b"o", b"n"))


@pytest.fixture(autouse=True)
def _forget_index_key() -> Any:
    crypto._index_key.cache_clear()
    yield
    crypto._index_key.cache_clear()


@pytest.fixture
def key_file(settings: Any, tmp_path: Path) -> Path:
    """Keys in a file, as on one machine."""
    file = tmp_path / "field.key"
    file.write_text(f"k1:{OLD}")
    settings.FIELD_KEY_FILE, settings.INDEX_KEY, settings.INDEX_KEY_FILE = file, "", tmp_path / "index.key"
    return file


def people(pool: Pool, count: int) -> list[Member]:
    return [factories.member(pool, f"P{n}", phone=f"1390000{n:04d}", email=f"p{n}@example.com") for n in range(count)]


def plain() -> list[str]:
    return sorted(identities.plain(row) for row in Identity.objects.all())


def keys_in_use() -> dict[str, int]:
    return {row["key"]: row["total"] for row in sealing.counts() if row["total"]}


@pytest.mark.django_db
class TestRotation:
    def test_all_three_steps(self, pool: Pool, key_file: Path) -> None:
        people(pool, 5)
        before = plain()
        assert sealing.add_key(actor=None) == "k2"
        assert keys_in_use() == {"k1": 10}
        assert crypto.encrypt("x").startswith(b"k2:")  # everything new stands under it at once
        call_command("rotate_keys", "reseal")
        assert keys_in_use() == {"k2": 10}
        sealing.retire_key("k1", actor=None)
        assert "k1" not in key_file.read_text()
        assert plain() == before

    def test_people_are_still_found(self, pool: Pool, key_file: Path) -> None:
        """The key they are found by is its own: the oldest encrypting key may go."""
        people(pool, 1)
        mark = identities.fingerprint("phone", "13900000000")
        call_command("rotate_keys", "all")
        crypto._index_key.cache_clear()
        assert identities.fingerprint("phone", "13900000000") == mark
        call_command("rotate_keys", "all")
        crypto._index_key.cache_clear()
        assert identities.fingerprint("phone", "13900000000") == mark
        assert Identity.objects.filter(value_hash=mark).exists()

    def test_a_key_in_use_is_not_taken_away(self, pool: Pool, key_file: Path) -> None:
        people(pool, 1)
        with pytest.raises(Problem) as refusal:
            sealing.retire_key("k1", actor=None)
        assert refusal.value.code == "keys.current"
        sealing.add_key(actor=None)
        with pytest.raises(CommandError):
            call_command("rotate_keys", "retire", "--key", "k1")
        assert "k1" in key_file.read_text()

    def test_values_of_every_table(self, pool: Pool, key_file: Path) -> None:
        """Secrets of connectors and sites are bound to where they stand, too."""
        from members.tracking import services as tracking
        from touchpoints import services as touchpoints
        from touchpoints.connectors.registry import unseal

        made = touchpoints.save_connector(
            pool=pool, key="webhook", name="W", config={"url": "https://example.com/"}, secrets={"secret": "whsec_abc"}
        )
        site = tracking.save_site(
            pool=pool, site=None, name="S", origins=["https://shop.example"], channel=None, consent="asked", is_active=True,
            actor=None, as_of=factories.LONG_AGO,
        )  # fmt: skip
        secret = tracking.secret_of(site)
        call_command("rotate_keys", "all")
        made.refresh_from_db()
        site.refresh_from_db()
        assert unseal(made)["secret"] == "whsec_abc"
        assert tracking.secret_of(site) == secret

    def test_a_value_changed_meanwhile_keeps_its_change(
        self, pool: Pool, key_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        people(pool, 1)
        sealing.add_key(actor=None)
        kept = crypto.reseal

        def late(sealed: Any, context: str = "") -> bytes:
            Identity.objects.filter(kind="phone").update(sealed=crypto.encrypt("13911112222", "phone"))
            return kept(sealed, context)

        monkeypatch.setattr(crypto, "reseal", late)
        call_command("rotate_keys", "reseal")
        assert identities.plain(Identity.objects.get(kind="phone")) == "13911112222"
        assert keys_in_use() == {"k2": 2}

    def test_a_value_is_bound_to_its_place(self, pool: Pool, key_file: Path) -> None:
        with pytest.raises(InvalidTag):
            crypto.decrypt(crypto.encrypt("13900000000", "phone"), "email")
        with pytest.raises(crypto.UnknownKey):
            crypto.decrypt(b"k9:" + bytes(40), "phone")

    def test_keys_of_the_environment_are_changed_there(self, pool: Pool, settings: Any) -> None:
        settings.FIELD_KEY_FILE = None
        with pytest.raises(CommandError, match="FIELD_KEYS"):
            call_command("rotate_keys", "add")


CHILD = """
import os, signal, django
django.setup()
from members.privacy import sealing
from scrm.jobs import running
sealing.PAGES = 1
kept, seen = running.RunningJob.checkpoint, []
def checkpoint(self, **given):
    kept(self, **given)
    seen.append(given)
    if len(seen) == {after}:
        os.kill(os.getpid(), signal.SIGKILL)
running.RunningJob.checkpoint = checkpoint
running.run({job})
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("after", [1, 2, 5, 8])
def test_killed_in_the_middle(settings: Any, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside a chunk's transaction (odd) or just after it: nothing is lost, nothing is done twice wrongly."""
    pool = factories.pool("keys", "Keys")
    settings.FIELD_KEY_FILE, settings.FIELD_KEYS = None, f"k1:{OLD}"
    people(pool, 120)
    before = plain()
    settings.FIELD_KEYS = f"k2:{NEW},k1:{OLD}"
    job = sealing.start(actor=None)
    code = CHILD.format(after=after, job=job.pk)
    done = subprocess.run([sys.executable, "-c", code], env=children.environment(), timeout=300, check=False)
    assert done.returncode == -9
    assert plain() == before
    assert sum(keys_in_use().values()) == 240
    JobRun.objects.filter(pk=job.pk).update(status="queued")
    monkeypatch.setattr(sealing, "PAGES", 1)
    assert running.run(job.pk) == "done", JobRun.objects.get(pk=job.pk).error
    assert keys_in_use() == {"k2": 240}
    assert plain() == before


@pytest.mark.django_db
def test_kinds_that_became_sensitive_are_sealed_too(pool: Pool, key_file: Path) -> None:
    member = factories.member(pool, "P")
    row = factories.identity(member, "tmall_nick", "小店铺主")
    assert (row.value, identities.plain(row)) == ("", "小店铺主")
    Identity.objects.filter(member=member).update(value="小店铺主", sealed=None, hint="小店铺主")
    assert sealing.unsealed() == 1
    call_command("rotate_keys", "reseal")
    row = Identity.objects.get(member=member)
    assert (row.value, row.hint, identities.plain(row)) == ("", "小***主", "小店铺主")
    assert sealing.unsealed() == 0
