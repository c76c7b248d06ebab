import subprocess
import sys

import numpy as np
import pytest

from routers.base import Router
from routers.baselines import BestSingle, Cheapest


def test_best_single_counts_every_dataset_the_same(tiny):
    # by dataset: a has (1, 0), b (.5, 1), c (0, .5)
    router = BestSingle().fit(tiny)
    np.testing.assert_allclose(router.predict_scores(["?"]), [[0.5, 0.75, 0.25]])
    assert router.route(["?"]) == [1]
    assert Cheapest().fit(tiny).route(["?"]) == [0]
    skewed = tiny.rows([0, 1, 2])  # by question a and b tie at 2/3, by dataset b leads
    assert BestSingle(macro=False).fit(skewed).route(["?"]) == [0]
    assert BestSingle().fit(skewed).route(["?"]) == [1]


def test_a_hook_that_returns_nonsense_is_caught(tiny):
    class Broken(Router):
        def _fit(self, table):
            pass

        def _predict_scores(self, questions):
            return np.full((len(questions), 3), np.nan)

    with pytest.raises(RuntimeError, match=r"Broken\._predict_scores must return finite"):
        Broken().fit(tiny).predict_scores(["?"])


def test_importing_the_package_loads_no_heavy_library():
    code = (
        "import routers, sys; print([m for m in ('torch', 'sklearn', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    code = "import benchmarks.leaderboard, benchmarks.plots, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
