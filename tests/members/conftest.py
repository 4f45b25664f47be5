"""Fields a pool declared, for all who need some."""

import pytest

from members.attributes import services
from members.attributes.services import Choice
from members.models import AttributeField, Pool

BANDS = [Choice("low", "低"), Choice("mid", "中", "middle"), Choice("high", "高")]


@pytest.fixture
def band(pool: Pool) -> AttributeField:
    return services.create_field(
        pool=pool, key="band", kind="choice", label="收入档", label_en="Income band", choices=BANDS, actor=None
    )


@pytest.fixture
def worth(pool: Pool) -> AttributeField:
    return services.create_field(pool=pool, key="worth", kind="number", label="净资产", unit="万元", actor=None)
