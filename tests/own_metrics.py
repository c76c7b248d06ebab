"""A metric of one's own, as a user would write it."""

from benchmarks.metric import Metric
from benchmarks.scoring import dataset_means


def worst(found):
    return min(dataset_means(found.panel.scores["router"], found.panel.datasets).values())


WORST = Metric(
    name="worst_dataset",
    function=worst,
    label="worst | dataset",
    explanation="mean score on the dataset where that is lowest",
    better="lower",
    format=".1%",
)
NO_METRIC = 1
