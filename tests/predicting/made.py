"""Made-up purchases with something to learn in them."""

import numpy as np
import pandas as pd


def shoppers(customers, days, seed=11):
    """Customers who buy at rates of their own until they stop: member, at, amount, discount."""
    rng = np.random.default_rng(seed)
    rows = []
    for member in range(1, customers + 1):
        at, pace, drop = rng.uniform(0, days / 3), rng.gamma(0.9, 0.08), rng.beta(0.6, 6)
        worth = rng.gamma(4, 15)
        while at < days:
            amount = round(float(rng.gamma(3, worth / 3)) + 1, 2)
            rows.append((member, at, amount, round(amount * float(rng.random() < 0.3) * 0.2, 2)))
            if rng.random() < drop:
                break
            at += 0.1 + rng.exponential(1 / pace)
    found = pd.DataFrame(rows, columns=["member", "day", "amount", "discount"])
    return found.assign(at=pd.Timestamp("2017-01-01 04:00") + pd.to_timedelta(found.day, unit="D"))
