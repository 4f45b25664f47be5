"""Every preset reads a file as its platform leaves it, and says no more than it knows."""

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from django.conf import settings

from members import identities
from members.importing import fields, forms, pipeline, presets, services, views, words
from members.models import Channel, Consent, ImportReject, ImportRun, Member, Order, OrderLine, Pool, Refund
from tests.imports.conftest import csv_bytes
from tests.imports.messy import FILES, Messy

pytestmark = pytest.mark.django_db
KNOWN = ["KNOWN", "13800000001", "2026-10-01 10:00:00", "100", "交易成功"]


def read(pool: Pool, messy: Messy, as_of: datetime) -> tuple[ImportRun, dict[str, int]]:
    """Uploaded as the kind it is, read by its preset, imported."""
    preset = presets.every()[messy.preset]
    file = io.BytesIO(messy.text.encode(messy.encoding))
    run = services.upload(pool=pool, kind=preset.kind, file=file, file_name=messy.name, actor=None)
    assert (run.options["applied"].get("key") == preset.key) is messy.found
    if not messy.found:
        assert preset.key in {match.preset.key for match in presets.matches(run.columns, preset.kind)}
        services.read_as(run=run, actor=None, preset=preset.key)
    return run, pipeline.run(run, as_of=as_of)


@pytest.fixture
def known(pool: Pool, bring_in: Callable[..., Any]) -> None:
    """An order KNOWN in every channel that lines and refunds come from."""
    for channel in ("tmall", "jd", "meituan", "mini_program", "pos"):
        bring_in("orders", ["订单号", "手机号", "下单时间", "实付金额", "状态"], KNOWN, channel=channel)


@pytest.mark.parametrize("messy", FILES, ids=lambda messy: messy.preset)
def test_a_messy_export_is_read(pool: Pool, known: None, as_of: datetime, messy: Messy) -> None:
    run, counts = read(pool, messy, as_of)
    refused = dict(ImportReject.objects.filter(run=run).values_list("line", "code"))
    assert refused == messy.refused
    assert (counts["new"], counts.get("skipped", 0)) == (messy.new, messy.skipped)


def test_every_preset_has_a_messy_export() -> None:
    assert {messy.preset for messy in FILES} == set(presets.every())


def by_name(name: str) -> Messy:
    return next(messy for messy in FILES if messy.preset == name)


def test_what_tmall_says(pool: Pool, as_of: datetime) -> None:
    read(pool, by_name("tmall.orders"), as_of)
    assert list(Order.objects.order_by("number").values_list("number", "amount", "status", "refunded", "channel__code")) == [
        ("2613000000000000001", 120000, 1, 0, "tmall"),
        ("2613000000000000002", 8800, 1, 0, "tmall"),
        ("2613000000000000004", 6000, 2, 6000, "tmall"),
    ]
    assert Order.objects.get(number="2613000000000000002").placed_at == datetime(2026, 10, 2, 1, 5, tzinfo=UTC)
    nick = identities.fingerprint("tmall_nick", "明月几时有")
    kinds = Member.objects.get(identities__value_hash=nick).identities.values_list("kind", flat=True)
    assert sorted(kinds) == ["phone", "tmall_nick"]


def test_what_jd_says(pool: Pool, as_of: datetime) -> None:
    _run, counts = read(pool, by_name("jd.orders"), as_of)
    assert counts["repeated"] == 1
    assert dict(Order.objects.values_list("number", "status")) == {
        "301000000001": Order.Status.PAID,
        "301000000002": Order.Status.REFUNDED,
    }


def test_what_a_till_says(pool: Pool, as_of: datetime) -> None:
    _run, counts = read(pool, by_name("pos.orders"), as_of)
    assert counts["returns"] == 2
    assert list(Order.objects.order_by("number").values_list("number", "amount", "status", "refunded")) == [
        ("000123", 129900, Order.Status.REFUNDED, 129900),
        ("000125", 2000, Order.Status.REFUNDED, 2000),
    ]
    assert dict(Refund.objects.values_list("number", "amount")) == {"000126": 100000, "000127": 29900}


def test_prices_stand_for_amounts(pool: Pool, known: None, as_of: datetime) -> None:
    read(pool, by_name("jd.lines"), as_of)
    assert OrderLine.objects.get().amount == 7900


def test_a_bill_of_wechat_gives_payments_and_then_refunds(pool: Pool, as_of: datetime) -> None:
    bill = by_name("mini_program.orders")
    read(pool, bill, as_of)
    assert Order.objects.get().refunded == 0
    file = io.BytesIO(bill.text.encode("utf-8-sig"))
    run = services.upload(pool=pool, kind="refunds", file=file, file_name="bill.csv", actor=None)
    assert run.options["applied"]["key"] == "mini_program.refunds"
    pipeline.run(run, as_of=as_of)
    order = Order.objects.get()
    assert (order.amount, order.refunded, order.status) == (1250, 500, Order.Status.PAID)
    assert order.refunded_at == datetime(2026, 10, 1, 10, tzinfo=UTC)


def test_what_an_app_says(pool: Pool, as_of: datetime) -> None:
    read(pool, by_name("app.members"), as_of)
    said = Consent.objects.values_list("carrier", "granted", "wording", "at")
    at = datetime(2026, 1, 1, 2, tzinfo=UTC)
    assert set(said) == {("push", True, "v3", at), ("sms", False, "v3", at)}
    read(pool, by_name("app.orders"), as_of)
    assert dict(Order.objects.values_list("number", "amount")) == {"A1": 12800, "A2": 9900}
    assert Order.objects.get(number="A2").placed_at == datetime(2026, 10, 1, 7, 20, 5, tzinfo=UTC)


def test_a_file_said_to_be_of_another_kind_is_told(pool: Pool) -> None:
    messy = by_name("tmall.orders")
    file = io.BytesIO(messy.text.encode("gb18030"))
    run = services.upload(pool=pool, kind="refunds", file=file, file_name="x.csv", actor=None)
    told = views._elsewhere(run)
    assert told
    assert told.preset.key == "tmall.orders"
    run = services.read_as(run=run, actor=None, preset="tmall.orders")
    assert (run.kind, run.channel.code) == ("orders", "tmall")
    assert not fields.missing(run.kind, run.mapping)
    assert views._elsewhere(run) is None


def test_headings_anybody_uses_prove_no_platform(pool: Pool) -> None:
    data = csv_bytes(["订单号", "手机号", "下单时间", "实付金额", "门店"], ["N1", "13800000001", "2026-10-01", "1", "A"])
    run = services.upload(pool=pool, kind="orders", file=io.BytesIO(data), file_name="a.csv", actor=None)
    assert (run.options["applied"]["by"], run.channel) == ("guess", None)


def test_a_chosen_channel_brings_its_preset(pool: Pool) -> None:
    text = by_name("pos.orders").text.encode("gb18030")
    pos = Channel.objects.get(code="pos")
    run = services.upload(pool=pool, kind="orders", file=io.BytesIO(text), file_name="a.csv", actor=None, channel=pos)
    assert run.options["applied"]["key"] == "pos.orders"
    assert run.options["layout"]["heading"] == 3


@pytest.mark.parametrize("key", sorted(presets.every()))
def test_a_preset_is_declared_in_full(key: str) -> None:
    preset = presets.every()[key]
    assert all((*preset.labels, *preset.titles, *preset.sources))
    assert Channel.objects.filter(code=preset.channel).exists()
    assert not fields.missing(preset.kind, preset.mapping([names[0] for names in preset.columns.values()]))
    for field, said in preset.words.items():
        parser = fields.fields_of(preset.kind)[field].parser
        assert set(said.values()) <= set(words.MEANINGS[parser])
        assert set(said.values()) <= {value for value, _label in forms.MEANINGS[parser]}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda said: said["columns"].update(nonsense=["x"]),
        lambda said: said["words"].update(status={"x": "nonsense"}),
        lambda said: said.update(unit="dollars"),
        lambda said: said.update(surprise=1),
        lambda said: said.pop("known_from"),
    ],
)
def test_a_preset_that_says_what_nobody_knows_is_an_error(spoil: Any) -> None:
    from pathlib import Path

    declared = yaml.safe_load((Path(presets.__file__).parent / "jd.yaml").read_text())
    spoil(declared["files"]["orders"])
    with pytest.raises((ValueError, KeyError)):
        presets._preset("jd", declared, "orders", declared["files"]["orders"])


def test_the_page_about_presets_is_true() -> None:
    page = (settings.BASE_DIR / "docs" / "presets.md").read_text()
    for preset in presets.every().values():
        sure = "yes" if preset.sure else "no"
        start = (
            f"| `{preset.key}` | {preset.labels[0]} · {preset.titles[0]} | {preset.channel} | {sure} | {preset.options['unit']} |"
        )
        assert start in page
        assert preset.sources[1] in page
        _before, section = page.split(f"### {preset.key}\n", 1)
        section = section.split("### ")[0]
        for field, names in preset.columns.items():
            assert f"- `{field}`: {'、'.join(names)}" in section
        for field, said in preset.words.items():
            assert f"- words of `{field}`: " + "；".join(f"{word} → {value}" for word, value in said.items()) in section
    assert set(re.findall(r"^### (\S+)$", page, re.MULTILINE)) == set(presets.every())
