"""On its own, against the database that is configured."""

import json
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scrm.settings")
django.setup()

from benchmarks.recalculation import measure  # noqa: E402  (models need the setup)

sizes = int(os.environ.get("MEMBERS", "100000")), int(os.environ.get("ORDERS", "1000000")), int(os.environ.get("RUNS", "5"))
print(json.dumps(measure(*sizes), indent=2))
