"""What campaigns may say beyond what touchpoints know by themselves."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from loyalty import queries
from touchpoints import fields


def _balances(pool_id: int, members: Sequence[int]) -> dict[int, str]:
    return {member: f"{balance:,}" for member, balance in queries.balances(pool_id, members).items()}


fields.register("points.balance", label=_("积分余额"), sample="1,280", load=_balances)
