"""What is saved is what is loaded, from which packages, and where to."""

import zipfile
from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import DistanceMetric
from xgboost import XGBClassifier

from routers import load_router, save_router
from routers.baselines import BestSingle


def test_a_loaded_router_predicts_what_the_saved_one_did(tiny, tmp_path):
    router = BestSingle(macro=False).fit(tiny)
    loaded = load_router(save_router(router, tmp_path / "r.skops"))
    assert type(loaded) is BestSingle
    assert loaded.macro is False
    np.testing.assert_array_equal(loaded.predict_scores(["x"]), router.predict_scores(["x"]))


def test_folders_are_made_and_nothing_but_the_file_is_left(tiny, tmp_path):
    router = BestSingle().fit(tiny)
    path = tmp_path / "of" / "one" / "r.skops"
    assert save_router(router, str(path)) == path
    assert save_router(router, path) == path  # again, over it
    assert list(path.parent.iterdir()) == [path]
    assert zipfile.is_zipfile(path)


@pytest.mark.parametrize(
    "part",
    [
        sparse.csr_array(np.eye(2)),
        DistanceMetric.get_metric("euclidean"),
        XGBClassifier(),
        np.polynomial.Polynomial([1, 2]),
    ],
    ids=lambda part: type(part).__module__.partition(".")[0],
)
def test_routers_may_hold_objects_of_the_packages_they_build_on(part, tiny, tmp_path):
    router = BestSingle().fit(tiny)
    router.part_ = part
    assert type(load_router(save_router(router, tmp_path / "r.skops")).part_) is type(part)


def test_an_object_of_another_package_is_named(tiny, tmp_path):
    router = BestSingle().fit(tiny)
    router.part_ = Fraction(1, 3)
    file = save_router(router, tmp_path / "r.skops")
    with pytest.raises(
        ValueError, match=r"no router needs: fractions\.Fraction\. It was not loaded"
    ):
        load_router(file)
