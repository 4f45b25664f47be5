from typing import Any

import pytest
from django.test import Client

from members.models import Pool, Site
from members.tracking import services

ORIGIN = "https://shop.example"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"


@pytest.fixture
def site(pool: Pool, as_of: Any) -> Site:
    return services.save_site(
        pool=pool,
        site=None,
        name="商城",
        origins=[ORIGIN],
        channel=None,
        consent="asked",
        is_active=True,
        actor=None,
        as_of=as_of,
    )


@pytest.fixture
def visitor_browser() -> Client:
    """A browser on the site's page: no session, no cookies."""
    return Client(headers={"Origin": ORIGIN, "User-Agent": BROWSER})
