"""How much one network address may send: a bucket that refills, kept by each web process for itself.

It keeps one careless or hostile page from filling the tables; it is no account of anything, so it may be
forgotten at a restart and each process may count alone.
"""

import time
from collections import OrderedDict

A_MINUTE, ADDRESSES = 240, 10_000
_left: OrderedDict[str, tuple[float, float]] = OrderedDict()


def spend(address: str, now: float | None = None) -> bool:
    """Take one request from an address's bucket; False when it is empty. `now` in seconds."""
    now = time.monotonic() if now is None else now
    left, since = _left.pop(address, (float(A_MINUTE), now))
    left = min(A_MINUTE, left + (now - since) * A_MINUTE / 60)
    _left[address] = (left - 1 if left >= 1 else left, now)
    while len(_left) > ADDRESSES:
        _left.popitem(last=False)
    return left >= 1
