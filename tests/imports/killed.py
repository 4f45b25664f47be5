"""Run one job and die by kill -9 at the n-th checkpoint: `python killed.py <job> <n> <media root>`.

With 0 it lives, works in chunks of the usual size and says how many MB of memory it took.
"""

import os
import re
import signal
import sys
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402

from members.importing import staging, targets  # noqa: E402
from scrm.jobs import running  # noqa: E402

job, last, media = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
settings.MEDIA_ROOT = media
if last:
    staging.ROWS_PER_COPY, targets.BLOCKS_PER_CHUNK = 500, 4
calls = 0
checkpoint = running.RunningJob.checkpoint


def counted(self, **kwargs):
    global calls
    checkpoint(self, **kwargs)
    calls += 1
    if calls == last:
        os.kill(os.getpid(), signal.SIGKILL)


running.RunningJob.checkpoint = counted
# Not ru_maxrss: that of a child begins with its parent's.
status, peak = running.run(job), re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
print(status, int(peak[1]) // 1024)
