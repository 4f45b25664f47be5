"""What a process that a test starts needs to work on the test's own database."""

import os
from urllib.parse import urlencode

from django.conf import settings
from django.db import connection


def environment() -> dict[str, str]:
    """This process's environment, with the test's database and keys."""
    its = connection.settings_dict
    at = {"host": its["HOST"], "port": str(its["PORT"] or ""), "user": its["USER"], "password": its["PASSWORD"]}
    url = f"postgresql:///{its['NAME']}?{urlencode({name: value for name, value in at.items() if value})}"
    # The keys of this very process: its settings may have been read before the environment was set.
    keys = {"FIELD_KEYS": settings.FIELD_KEYS, "SECRET_KEY": settings.SECRET_KEY}
    return {**os.environ, **keys, "DATABASE_URL": url, "PYTHONPATH": str(settings.BASE_DIR)}
