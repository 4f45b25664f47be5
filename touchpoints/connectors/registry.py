"""The connectors there are: one line each, no discovery."""

import json
from typing import TYPE_CHECKING, Any, cast

from scrm.lib import crypto
from scrm.lib.registry import Registry
from touchpoints.connectors.base import Connector
from touchpoints.connectors.email_smtp import EmailSmtp
from touchpoints.connectors.fake import Fake
from touchpoints.connectors.sandbox import Sandbox
from touchpoints.connectors.webhook import Webhook

if TYPE_CHECKING:
    from touchpoints import models

# mypy does not match class variables against a protocol.
CONNECTORS: Registry[type[Connector]] = Registry("connector")
CONNECTORS.register("email_smtp")(EmailSmtp)  # type: ignore[arg-type]
CONNECTORS.register("webhook")(Webhook)  # type: ignore[arg-type]
CONNECTORS.register("fake")(Fake)  # type: ignore[arg-type]


def seal(secrets: dict[str, str], row: "models.Connector") -> bytes:
    """The secrets of a connector, encrypted and bound to its pool and kind."""
    return crypto.encrypt(json.dumps(secrets), f"connector:{row.pool_id}:{row.key}")


def unseal(row: "models.Connector") -> dict[str, str]:
    """The secrets of a connector; empty when it has none."""
    if row.sealed is None:
        return {}
    opened: dict[str, str] = json.loads(crypto.decrypt(row.sealed, f"connector:{row.pool_id}:{row.key}"))
    return opened


def opened(row: "models.Connector") -> Connector:
    """The connector ready to send; a sandboxed one records instead."""
    kind = CONNECTORS[row.key]
    config: dict[str, Any] = {each.key: each.default for each in kind.settings if each.kind != "secret"} | row.config
    made = kind(config, unseal(row), connector_id=row.pk)
    return cast(Connector, Sandbox(made)) if row.is_sandbox else made
