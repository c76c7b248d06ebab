"""How near single steps are to what their arithmetic needs, in CPU time of this process."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from scipy.special import expit

from benchmarks.speed.made_up import random_table

_TIMES = 5  # of which the quickest counts


def case_nearest() -> dict[str, float]:
    """Route with k-NN, 10,000 x 384 to fit and 64 llms, beside the search for neighbors alone.

    And what it holds beside its vectors with 100,000 to fit.
    """
    from benchmarks.evaluate import PeakMemory
    from routers._nearest import nearest_rows
    from routers.neighbors import KNNRouter

    n, k = 2_000, 40
    # first, while no memory is there that was given back
    table, encoder = random_table(100_000 + n, 7, 384)
    router = KNNRouter(encoder, k=k).fit(table.rows(slice(0, 100_000)))
    questions = list(table.questions[100_000:])
    with PeakMemory() as idle:
        time.sleep(0.1)
    with PeakMemory() as memory:
        router.route(questions)
    table, encoder = random_table(10_000 + n, 64, 384)
    router = KNNRouter(encoder, k=k).fit(table.rows(slice(0, 10_000)))
    questions = list(table.questions[10_000:])
    vectors = encoder.transform(questions)
    route = _seconds(lambda: router.route(questions))
    search = _seconds(lambda: nearest_rows(vectors, router.vectors_, k))
    product = _seconds(lambda: vectors @ router.vectors_.T)
    _tell("k-NN", {"route": route / n, "search": search / n, "product": product / n})
    return {
        "route_in_searches": route / search,
        "route_in_products": route / product,
        "mb_beside_vectors": memory.peak_mb - idle.peak_mb,
    }


def case_svm() -> dict[str, float]:
    """Fit the SVMs of 64 llms on 10,000 x 384, and route."""
    from routers.classifiers import ClassifierRouter
    from routers.svm import SoftLabelSVM

    table, encoder = random_table(11_000, 64, 384)
    router = ClassifierRouter(SoftLabelSVM(), encoder)
    fit = _seconds(lambda: router.fit(table.rows(slice(0, 10_000))), times=1)
    questions = list(table.questions[10_000:])
    route = _seconds(lambda: router.route(questions)) / len(questions)
    return {"fit_seconds": fit, "route_us": 1e6 * route}


def case_likelihood() -> dict[str, float]:
    """Cross-entropy and its derivative, of 10,000 x 64, beside its two functions taken apart."""
    from routers._likelihood import CrossEntropy

    rng = np.random.default_rng(0)
    logits = 2 * rng.normal(size=(10_000, 64))
    scores = (rng.random(logits.shape) < 0.5).astype(np.float32)

    def apart() -> None:
        terms = np.logaddexp(0, logits) - scores * logits
        np.nansum(terms), np.where(np.isnan(scores), 0, expit(logits) - scores)

    together = CrossEntropy(scores)
    return {"share_of_both_apart": _seconds(lambda: together(logits)) / _seconds(apart)}


def case_choice() -> dict[str, float]:
    """Route with 1,000 llms by the clusters of 3,000 questions: many at once, and one."""
    from routers.clusters import KMeansRouter

    table, encoder = random_table(4_000, 1_000, 384)
    router = KMeansRouter(encoder, n_starts=1).fit(table.rows(slice(0, 3_000)))
    questions = list(table.questions[3_000:])
    many = _seconds(lambda: router.route(questions)) / len(questions)
    one = _seconds(lambda: [router.route(questions[:1]) for _ in range(50)]) / 50
    return {"us_of_one_in_many": 1e6 * many, "us_of_one_alone": 1e6 * one}


def case_clusters() -> dict[str, float]:
    """Fit RouterEval's three clusters on 3,800 x 384 beside scikit-learn's one start of k-means."""
    from sklearn.cluster import KMeans

    from benchmarks.speed.routing import configured

    table, encoder = random_table(4_800, 12, 384)
    learn, questions = table.rows(slice(0, 3_800)), list(table.questions[3_800:])
    router, vectors = configured("kmeans_routereval", encoder), encoder.transform(learn.questions)
    fit = _seconds(lambda: router.fit(learn))
    start = KMeans(3, n_init=1, random_state=router.random_state)
    alone = _seconds(lambda: start.fit(vectors))
    one = _seconds(lambda: [router.route(questions[:1]) for _ in range(50)]) / 50
    return {"fit_in_starts": fit / alone, "us_of_one_alone": 1e6 * one}


def case_trees() -> dict[str, float]:
    """Fit xgboost on a fold of 554 x 384 and 6 llms, with every core busy with another program."""
    from benchmarks.launching.threads import n_cores
    from benchmarks.speed.routing import configured

    table, encoder = random_table(554, 6, 384)
    router = configured("xgboost", encoder)
    router.fit(table)
    start = time.perf_counter()
    router.fit(table)
    alone = time.perf_counter() - start
    with _busy(n_cores()):
        start = time.perf_counter()
        router.fit(table)
        beside = time.perf_counter() - start
    return {"seconds_alone": alone, "times_as_long_beside": beside / alone}


@contextmanager
def _busy(n: int) -> Iterator[None]:
    """Keep ``n`` cores busy meanwhile."""
    code = "import time\nend = time.time() + 300\nwhile time.time() < end: pass"
    others = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(n)]
    try:
        time.sleep(1)
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def _seconds(work: Callable[[], object], times: int = _TIMES) -> float:
    """Return the CPU time of something, the least of several."""
    found = []
    for _ in range(times):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def _tell(what: str, seconds: dict[str, float]) -> None:
    parts = ", ".join(f"{name} {1e6 * value:,.0f} us" for name, value in seconds.items())
    sys.stderr.write(f"{what}: {parts} of CPU time per question\n")
