"""What a sweep varied: which settings it has, their figures by hand, the table and the picture."""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from omegaconf import OmegaConf

from benchmarks import publish, run
from benchmarks.ablation import Setting, ablation, parameters_of, setting_of, settings
from benchmarks.ablation_figure import draw
from benchmarks.ablation_report import Sweep
from benchmarks.ablation_text import to_markdown
from benchmarks.composing import compose_job

NAN = float("nan")
SMALL = ["data=synthetic", "split=holdout"]


def values(found):
    return [list(setting.values.values()) for setting in found]


class TestSettings:
    def test_numbers_stand_by_size_and_one_of_them_is_the_default(self):
        found = settings(["sweep=neighbours", *SMALL])
        assert values(found) == [[str(k)] for k in (1, 5, 10, 20, 40, 80, 160)]
        assert [setting.identity == setting.default for setting in found].index(True) == 4
        assert {setting.default for setting in found} == {found[4].identity}
        typed = settings(["sweep=neighbours", "router.k=80,9", "seed=7", *SMALL])
        assert values(typed) == [["default"], ["9"], ["80"]]

    def test_a_default_that_is_not_named_comes_first(self):
        found = settings(["sweep=sat_steps", *SMALL])
        assert values(found) == [["default"], ["200"], ["400"], ["800"], ["1600"]]
        assert list(found[0].values) == ["teaching.n_steps"]
        assert found[0].identity == found[0].default == found[4].default != found[4].identity

    def test_every_router_has_a_default_of_its_own_and_words_keep_their_order(self):
        found = settings(["sweep=encoders", *SMALL])
        assert [setting.router for setting in found][::2] == [
            "knn",
            "kmeans",
            "logistic",
            "recognised_dataset",
        ]
        assert values(found)[:2] == [["tfidf"], ["minilm"]]
        assert found[0].default == found[1].identity
        assert found[2].default == found[3].identity != found[1].identity

    def test_what_the_sweep_sets_beside_it_is_the_default_s_too(self):
        found = settings(["sweep=fusion_factors", *SMALL])
        assert all(json.loads(s.default)["router"]["weigh"] is False for s in found)

    def test_two_parameters(self):
        found = settings(["sweep=fusion_weigh", *SMALL])
        assert list(found[0].values) == ["weigh", "pool"]
        assert len(found) == 4

    @pytest.mark.parametrize("more", [["sweep=leaderboard"], ["router=knn", "zoo=all,small8"]])
    def test_routers_zoos_and_seeds_alone_are_no_ablation(self, more):
        assert settings([*more, *SMALL, "seed=0,1"]) == []


@dataclass
class MadeRun:
    about: dict
    found: pd.DataFrame

    def rows(self):
        return self.found


SCORES = np.array([[1, 0, 0.5], [0, 1, 0], [1, 1, 0], [0, 1, 1], [1, 0, 0], [0, 0, 1]], float)
DATASETS = ["a", "a", "a", "a", "b", "b"]


def rows_of(choice):
    scores = np.tile(SCORES, (len(choice) // 6, 1))
    n = len(scores)
    frame = {
        "question_id": [f"q{i}" for i in range(n)],
        "dataset": DATASETS * (n // 6),
        "chance": np.zeros(n),
        "choice": choice,
        "choice/best_single": np.ones(n, int),
        "choice/recognised_dataset": np.zeros(n, int),
        "choice/dataset_best": np.zeros(n, int),
        "random_score": scores.mean(axis=1),
        "oracle_score": scores.max(axis=1),
        "oracle_cost": np.ones(n),
    }
    for j, llm in enumerate("xyz"):
        frame |= {f"score/{llm}": scores[:, j], f"cost/{llm}": np.ones(n)}
        frame |= {f"predicted_score/{llm}": scores[:, j], f"predicted_cost/{llm}": np.ones(n)}
    return pd.DataFrame(frame)


def made_run(k, seed, choice, finished="2026-01-01", data_hash="d", seconds=1.0):
    about = {
        "data": "made",
        "zoo": "all",
        "split": "holdout",
        "data_hash": data_hash,
        "cost_unit": "USD",
        "seed": seed,
        "finished": finished,
        "timing": {"fit_seconds": seconds, "route_qps": 1000.0},
        "config": {
            **dict.fromkeys(("recogniser", "zoo", "split", "seed")),
            "data": {"name": "made"},
            "router": {"k": k},
            "pool": {},
        },
    }
    return MadeRun(about, rows_of(choice))


def asked(*ks, default=1):
    names = {k: setting_of({"router": {"k": k}, "pool": {}}) for k in {*ks, default}}
    return [Setting("knn", {"k": str(k)}, names[k], names[default]) for k in ks]


class TestFigures:
    def test_by_hand(self):
        runs = [
            made_run(1, 0, [0, 1, 0, 0, 0, 0], seconds=2),  # a: 1 1 1 0, b: 1 0
            made_run(1, 1, [0, 0, 0, 0, 0, 0], seconds=4),  # a: 1 0 1 0, b: 1 0
            made_run(2, 0, [0, 1, 0, 1, 0, 2]),  # all
            made_run(2, 1, [2, 2, 2, 2, 2, 2]),  # a: .5 0 0 1, b: 0 1
        ]
        found = ablation(runs, asked(1, 2))
        assert parameters_of(found) == ["k"]
        assert found["is_default"].tolist() == [True, False]
        assert found["seeds"].tolist() == ["0 1", "0 1"]
        assert found["n_questions"].tolist() == [6, 6]
        first, second = (3 / 4 + 1 / 2) / 2, (2 / 4 + 1 / 2) / 2
        other = [1, (1.5 / 4 + 1 / 2) / 2]
        means = [(first + second) / 2, sum(other) / 2]
        np.testing.assert_allclose(found["macro_score"], means)
        np.testing.assert_allclose(found["difference"], [0, means[1] - means[0]])
        np.testing.assert_allclose(found["lift"], np.array(means) - second)  # the floor asks x
        assert found["fit_seconds"].tolist() == [3, 1]
        row = found.iloc[1]
        assert row["difference_low"] < row["difference"] < row["difference_high"]
        assert row["low"] < row["macro_score"] < row["high"] <= 1
        assert row["lift_low"] < row["lift"] < row["lift_high"]

    def test_a_difference_is_paired_by_question(self):
        """Both do well on the same questions: each is uncertain, their difference hardly."""
        runs = [made_run(1, 0, [0] * 60), made_run(2, 0, [1, *[0] * 59])]
        row = ablation(runs, asked(1, 2)).iloc[1]
        assert row["difference_high"] - row["difference_low"] < 0.25 * (row["high"] - row["low"])

    def test_the_same_choices_differ_by_nothing_and_luck_has_no_interval(self):
        same = [0, 1, 0, 1, 0, 2]
        lucky = [0, 1, 1, 2, 0, 2]  # other llms of the same scores
        runs = [made_run(k, 0, c) for k, c in ((1, same), (2, list(same)), (3, lucky))]
        found = ablation(runs, asked(1, 2, 3))
        assert found["difference"].tolist() == [0, 0, 0]
        assert found.loc[1, ["difference_low", "difference_high"]].tolist() == [0, 0]
        assert found.loc[2, ["difference_low", "difference_high"]].isna().all()

    def test_seeds_that_all_have_and_questions_on_which_all_have_a_choice(self):
        runs = [made_run(1, seed, [0] * 6) for seed in (0, 1)]
        runs += [made_run(2, seed, [1, 1, 1, -1, 1, 1]) for seed in (1, 2)]
        found = ablation(runs, asked(1, 2))
        assert found["seeds"].tolist() == ["1", "1"]
        assert found["n_questions"].tolist() == [5, 5]
        np.testing.assert_allclose(found["macro_score"], [(2 / 3 + 1 / 2) / 2, (2 / 3 + 0) / 2])

    def test_of_runs_that_were_repeated_the_latest_counts(self):
        runs = [made_run(1, 0, [0] * 6, "2026-01-02"), made_run(1, 0, [1] * 6, "2026-01-01")]
        found = ablation(runs, asked(1))
        np.testing.assert_allclose(found["macro_score"], [1 / 2])

    def test_a_default_that_is_not_stored_leaves_differences_unknown(self):
        found = ablation([made_run(2, 0, [0] * 6)], asked(1, 2))
        assert len(found) == 1
        assert np.isnan(found["difference"][0])
        assert not np.isnan(found["lift"][0])

    def test_what_cannot_be_compared_is_refused(self):
        with pytest.raises(ValueError, match="a seed of which every setting is stored"):
            ablation([made_run(1, 0, [0] * 6), made_run(2, 1, [0] * 6)], asked(1, 2))
        with pytest.raises(ValueError, match="a seed of which every setting is stored"):
            ablation([made_run(3, 0, [0] * 6)], asked(1, 2))
        with pytest.raises(ValueError, match="must be of one comparison, got 2"):
            ablation([made_run(1, 0, [0] * 6), made_run(2, 0, [0] * 6, data_hash="e")], asked(1, 2))


def figures(**columns):
    n = len(next(iter(columns.values())))
    row = {"macro_score": 0.5, "low": 0.4, "high": 0.6, "difference": -0.02}
    row |= {"difference_low": -0.05, "difference_high": 0.01, "lift": 0.1, "lift_low": 0.05}
    row |= {"lift_high": 0.15, "fit_seconds": 2.0, "route_qps": 1234.0, "n_questions": 90}
    first = {"router": columns.pop("router", ["knn"] * n)}
    default = {"is_default": columns.pop("default"), "seeds": "0 1"}
    return pd.DataFrame(first | columns | default | row)


def test_the_table():
    found = figures(k=["5", "40"], default=[False, True])
    text = to_markdown(found, "neighbours", "my_data/all/holdout")
    assert text.startswith(
        "# neighbours: my_data, zoo all, split holdout\n\nSettings of knn on 90 "
    )
    assert text.splitlines()[-4:] == [
        "| k | macro score | difference to the default | lift over recognised dataset | fit, s | "
        "questions/s |",
        "|---|---|---|---|---|---|",
        "| 5 | 0.500 [0.400, 0.600] | -0.020 [-0.050, +0.010] | +0.100 [+0.050, +0.150] | 2 | "
        "1,234 |",
        "| **40** | 0.500 [0.400, 0.600] |  | +0.100 [+0.050, +0.150] | 2 | 1,234 |",
    ]
    several = figures(router=["knn", "svm"], c=["x|", "x|"], default=[False, True])
    assert "| **svm** | **x\\|** |" in to_markdown(several, "s", "d/z/h")


class TestPicture:
    def drawn(self, found):
        figure, ax = plt.subplots()
        draw(ax, found)
        figure.canvas.draw()
        labels = [text.get_text() for text in ax.get_xticklabels()]
        plt.close(figure)
        return ax, labels

    def test_numbers_stand_where_they_are(self):
        ax, labels = self.drawn(figures(k=["1", "10", "40"], default=[False, False, True]))
        assert (ax.get_xscale(), labels) == ("log", ["1", "10", "40"])
        assert ax.lines[0].get_xdata().tolist() == [1, 10, 40]
        ringed = [line for line in ax.lines if line.get_markersize() == 8]
        assert [line.get_xdata().tolist() for line in ringed] == [[40]]
        ax, labels = self.drawn(figures(k=["0", "8", "64"], default=[False, False, True]))
        assert (ax.get_xscale(), labels) == ("symlog", ["0", "8", "64"])
        ax, labels = self.drawn(figures(k=["0.25", "0.5", "1"], default=[False, False, True]))
        assert (ax.get_xscale(), labels) == ("linear", ["0.25", "0.5", "1"])

    def test_words_stand_side_by_side_and_a_further_parameter_is_a_line(self):
        found = figures(
            loss=["a", "b", "a", "b"], n=["x", "x", "y", "y"], default=[True] + [False] * 3
        )
        ax, labels = self.drawn(found)
        assert labels == ["a", "b"]
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["x", "y"]
        apart = [list(line.get_xdata()) for line in ax.lines]
        assert [-0.06, 0.94] in apart
        assert [0.06, 1.06] in apart


def swept(results, *more):
    typed = ["sweep=neighbours", "router.k=1,40", "encoder@router.encoder=tfidf", *SMALL, *more]
    return run.main([*typed, "seed=0,1", "--results", str(results)])


def test_a_sweep_writes_its_table_and_picture_and_is_published(tmp_path, capsys):
    assert swept(tmp_path) == 0
    out = capsys.readouterr().out
    assert "difference to the default" in out
    stem = tmp_path / "ablations" / "neighbours-synthetic-all-holdout"
    text = stem.with_suffix(".md").read_text()
    assert text.startswith(out)
    assert "Made by `make sweep DATA=synthetic SWEEP=neighbours SPLIT=holdout" in text
    assert pd.read_csv(stem.with_suffix(".csv"))["k"].tolist() == [1, 40]
    assert stem.with_suffix(".png").stat().st_size > 5000
    (tmp_path / "README.md").write_text("Nothing is quoted.\n")

    def published(sweep):
        publish.publish("abl", "synthetic/all/holdout", "make it", tmp_path, tmp_path, sweep)

    with pytest.raises(ValueError, match="a seed of which every setting is stored"):
        published("carrot")
    with pytest.raises(ValueError, match="must vary a router or its pool, got 'leaderboard'"):
        published("leaderboard")
    published("encoders")
    table = (tmp_path / "results" / "published" / "abl.md").read_text()
    assert "| tfidf |" in table  # the one setting of that sweep that is stored
    assert table.count("Made by `make it`") == 1


def test_a_folder_s_settings_are_found_without_the_folder():
    sweep = Sweep.of("neighbours", "some_folder/small8/kfold")
    job = compose_job("routing", [*sweep.overrides[1:], "router=knn"])
    own = OmegaConf.to_container(job.cfg.data, resolve=True)
    assert (own["name"], job.choices["zoo"]) == ("some_folder", "small8")
    assert (
        settings(sweep.overrides)[4].identity == settings(["sweep=neighbours", *SMALL])[4].identity
    )
