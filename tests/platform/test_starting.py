"""What every process of the product loads when it starts: web, workers, commands, and each one that tests kill."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HEAVY = ("sklearn", "pandas", "scipy.stats", "scipy.optimize", "scipy.sparse", "duckdb", "matplotlib")
ASK = "import sys, json, django; django.setup(); import scrm.urls, scrm.celery; print(json.dumps(sorted(sys.modules)))"


def test_what_only_models_need_comes_when_a_model_is_asked() -> None:
    """A hundred megabytes and two seconds of each process: `import scipy` loads its parts when they are first used."""
    asked = subprocess.run([sys.executable, "-c", ASK], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True)
    loaded = set(json.loads(asked.stdout.splitlines()[-1]))
    assert "segmentation.predicting.learners" in loaded
    assert [name for name in HEAVY if name in loaded] == []
