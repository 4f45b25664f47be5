"""Connectors as rows: saving with secrets that never come back out, trying, stopping."""

import math
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.models import Member, Pool
from scrm.lib import clock
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User
from touchpoints import library, links, signatures
from touchpoints.connectors.base import Accepted, Deadline, Message, SendError, Setting
from touchpoints.connectors.registry import CONNECTORS, opened, seal, unseal
from touchpoints.models import Connector, Content

TEST_SECONDS = 20
RATE = Setting("rate", gettext_lazy("每秒最多发送"), "number", default=0, required=False, help=gettext_lazy("0 表示不限"))


@transaction.atomic
def save_connector(
    *,
    pool: Pool,
    key: str,
    name: str,
    config: dict[str, Any],
    secrets: dict[str, str] | None = None,
    is_active: bool = True,
    is_sandbox: bool = False,
    connector: Connector | None = None,
    actor: User | None = None,
) -> Connector:
    """Save an account at a provider. An empty secret keeps the one there is; saving closes the breaker."""
    if key not in CONNECTORS:
        raise Problem("connector", _("没有这种连接器：%(key)s") % {"key": key}, {"key": [_("没有这种连接器")]})
    row = connector or Connector(pool=pool, key=key)
    clean = {each.key: _read(each, config.get(each.key, each.default)) for each in settings_of(key) if each.kind != "secret"}
    kept = _secrets(row, key, secrets or {})
    catches = key == "webhook" and not clean["url"] and (pool.is_demo or is_sandbox)
    _refuse(key, name, clean | ({"url": "https://example.com/"} if catches else {}), kept)
    row.name, row.config, row.is_active, row.is_sandbox = name.strip(), clean, is_active, is_sandbox
    row.sealed = seal(kept, row) if kept else None
    row.failures, row.open_until, row.problem = 0, None, ""
    _keep(row)
    if catches:  # a demo's webhook posts to this installation's own receiver
        row.config = {**clean, "url": links.catcher(row.pk)}
        row.save(update_fields=["config"])
    audit(
        actor=actor,
        action="connector.save",
        target=row,
        pool_id=pool.pk,
        name=row.name,
        config=clean,
        secrets=sorted(secrets or {}),
    )
    return row


def settings_of(key: str) -> tuple[Setting, ...]:
    """What can be set for a kind of connector; the sending rate for every kind."""
    return (*CONNECTORS[key].settings, RATE)


def _keep(row: Connector) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        message = _("已有同名的连接器")
        raise Problem("connector", message, {"name": [message]}) from None


def _read(setting: Setting, value: Any) -> Any:
    if setting.kind == "flag":
        return bool(value)
    if setting.kind != "number":
        return str(value if value is not None else "").strip()
    try:
        number = float(value or 0)
        if not math.isfinite(number):
            raise ValueError(value)
    except (TypeError, ValueError):
        message = _("须是数字")
        raise Problem("connector", message, {setting.key: [message]}) from None
    return int(number) if number == int(number) else number


def _secrets(row: Connector, key: str, given: dict[str, str]) -> dict[str, str]:
    kept = unseal(row) if row.pk else {}
    known = {each.key for each in settings_of(key) if each.kind == "secret"}
    kept |= {name: value for name, value in given.items() if name in known and value}
    if key == "webhook":
        kept.setdefault("secret", signatures.new_secret())
    return kept


def _refuse(key: str, name: str, config: dict[str, Any], secrets: dict[str, str]) -> None:
    fields: dict[str, list[str]] = {} if name.strip() else {"name": [_("请填写名称")]}
    for each in settings_of(key):
        if each.kind == "choice" and config[each.key] not in [value for value, _label in each.choices]:
            fields.setdefault(each.key, []).append(_("请从列出的值中选择"))
    for problem in CONNECTORS[key].problems(config, secrets):
        fields.setdefault(problem.field, []).append(problem.message)
    if fields:
        raise Problem("connector", next(iter(fields.values()))[0], fields)


@transaction.atomic
def disable_connector(*, connector: Connector, actor: User | None, on: bool = False, why: str = "") -> None:
    """Switch an account off (or on): nothing leaves through it meanwhile."""
    change: dict[str, Any] = {"is_active": on, "problem": why[:200]}
    if on:
        change |= {"failures": 0, "open_until": None}
    Connector.objects.filter(pk=connector.pk).update(**change)
    action = "connector.enable" if on else "connector.disable"
    audit(actor=actor, action=action, target=connector, pool_id=connector.pool_id, why=why)


def test_connector(*, connector: Connector, actor: User | None) -> str:
    """Talk to the provider without sending; its words. A problem becomes a Problem with its reason."""
    line = opened(connector)
    try:
        words = line.check()
    except SendError as error:
        _tried(connector, actor, "connector.test", ok=False, words=error.detail)
        raise Problem(error.code, error.detail or error.code) from error
    finally:
        line.close()
    _tried(connector, actor, "connector.test", ok=True, words=words)
    return words


def send_test(
    *,
    connector: Connector,
    address: str,
    actor: User | None,
    content: Content | None = None,
    member: Member | None = None,
) -> str:
    """Send one message to an address given by hand, outside every campaign and every cap.

    It reads as a member would read it, or the sample member; its words are the provider's.
    """
    message = _test_message(connector, address, content, member)
    line = opened(connector)
    try:
        (outcome,) = line.send([message], Deadline(TEST_SECONDS))
    finally:
        line.close()
    ok = isinstance(outcome, Accepted)
    words = outcome.ref if isinstance(outcome, Accepted) else outcome.detail or outcome.code
    _tried(connector, actor, "connector.send_test", ok=ok, words=words)
    if isinstance(outcome, SendError):
        raise Problem(outcome.code, words)
    return words


def _test_message(connector: Connector, address: str, content: Content | None, member: Member | None = None) -> Message:
    now = clock.now()
    given = {"subject": _("测试消息"), "body": _("{{member.name}}，您好！\n\n这是一条测试消息，说明连接器可以发送。"), "link": ""}
    if content is not None:
        given = {"subject": content.subject, "body": content.body, "link": content.link}
    seen = library.sample(pool=connector.pool, **given, as_of=now, purpose="service", member=member)
    return Message(
        key=f"test-{connector.pk}-{int(now.timestamp() * 1000)}",
        address=address.strip(),
        subject=seen.subject,
        text=seen.text,
        html=seen.html,
        data={"test": True, "address": address.strip()},
    )


@transaction.atomic
def _tried(connector: Connector, actor: User | None, action: str, *, ok: bool, words: str) -> None:
    if ok:
        Connector.objects.filter(pk=connector.pk).update(failures=0, open_until=None, problem="")
    else:
        Connector.objects.filter(pk=connector.pk).update(problem=words[:200])
    audit(actor=actor, action=action, target=connector, pool_id=connector.pool_id, ok=ok, words=words)
