"""Run one job and kill -9 it at random moments, again and again: `python killed_often.py <job> <seed> <deaths> <media root>`.

Each life is a fork of this process and ends a random while after a random checkpoint, wherever it is by then; the one
after the last death lives. Says how it ended, how often it died and in which phases.
"""

import os
import random
import signal
import sys
import threading

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connections  # noqa: E402
from django.db.models.functions import Now  # noqa: E402

from members.importing import reading, revert, staging, targets  # noqa: E402
from scrm.jobs import running  # noqa: E402
from scrm.jobs.models import JobRun  # noqa: E402

job, seed, wanted, media = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
settings.MEDIA_ROOT = media
staging.ROWS_PER_COPY, targets.BLOCKS_PER_CHUNK, reading.BLOCK = 1000, 6, 1 << 14
revert.BLOCKS = revert.BLOCKS | {"members": 2, "changed": 2, "ready": 5}
chance = random.Random(seed)
checkpoint = running.RunningJob.checkpoint


def live(checkpoints: int, seconds: float) -> bool:
    """A child that does the job until it is killed; whether it was."""
    pid = os.fork()
    if not pid:
        left = [checkpoints]

        def counted(self, **kwargs):
            left[0] -= 1
            if not left[0]:
                threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()
            checkpoint(self, **kwargs)

        running.RunningJob.checkpoint = counted
        running.run(job)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def after_death() -> str:
    """What a watchdog would find: the lease is over at once, and somebody has looked after the attempts."""
    phase = JobRun.objects.get(pk=job).phase
    JobRun.objects.filter(pk=job, status="running").update(lease_until=Now(), attempts=0)
    connections.close_all()
    return phase


phases = []
while len(phases) < wanted and live(chance.randint(1, 9), chance.uniform(0, 0.05)):
    phases.append(after_death())
if len(phases) == wanted:
    live(10**9, 0)
print(JobRun.objects.get(pk=job).status, len(phases), ",".join(sorted(set(phases))))
