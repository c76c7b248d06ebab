"""What is made of runs under promises, without a store."""

import numpy as np
import pandas as pd

from benchmarks.budget import allot, per_batch, summary

SHARES = (0.25, 0.5, 0.75, 0.95)
ROOM = 1.5


def measured(*runs, shares=SHARES):
    """Return the judged batches of one router's runs, one per seed."""
    found = [
        per_batch(allot(named(rows), shares, ROOM)).assign(seed=seed)
        for seed, rows in enumerate(runs)
    ]
    return pd.concat(found, ignore_index=True)


def named(rows):
    """Give questions ids where they have none."""
    return (
        rows if "question_id" in rows else rows.assign(question_id=np.arange(len(rows)).astype(str))
    )


def summed(shares=SHARES, **routers):
    """Return the summary of routers, a list of runs each."""
    found = [measured(*runs, shares=shares).assign(router=name) for name, runs in routers.items()]
    return summary(pd.concat(found, ignore_index=True))
