"""Many zoos: who is drawn, what is stored of each, what the summary makes of it, by hand."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from scipy import stats

from benchmarks import experiment_work, run_experiment
from benchmarks.composing import UsageError, compose_job
from benchmarks.experiment import work_of
from benchmarks.experiments import zoos
from benchmarks.progress import Progress

TYPED = ["data=synthetic", "data.n_questions=60", "split.test_share=0.5", "size=2", "draws=[0,3]"]
COMPARED = "compared=[knn,best_single]"
QUICK = ["encoder@routers.knn.encoder=tfidf", COMPARED]


def works(*typed):
    job = compose_job("zoos", [*TYPED, *QUICK, *typed], {})
    return [work_of(job, part, Progress()) for part in zoos.parts(job.cfg)]


def test_a_draw_is_a_zoo_of_its_own_whatever_the_order():
    llms = np.array(list("gfedcba"))
    drawn = [zoos.draw_zoo(llms, 3, draw) for draw in range(30)]
    assert all(found == sorted(set(found)) and len(found) == 3 for found in drawn)
    assert drawn == [zoos.draw_zoo(llms[::-1], 3, draw) for draw in range(30)]
    assert len({tuple(found) for found in drawn}) > 15
    assert set().union(*drawn) == set(llms)
    for size in (1, 7):
        with pytest.raises(ValueError, match=f"from 2 to 6.*got {size}"):
            zoos.draw_zoo(llms, size, 0)
    assert len(zoos.draw_zoo(llms, 6, 0)) == 6


def test_a_part_is_one_router_on_one_zoo_with_all_others_as_its_pool():
    knn, single = works("draws=[3]")
    assert [work.part["router"] for work in (knn, single)] == ["knn", "best_single"]
    zoo = zoos.draw_zoo(knn.table.llms, 2, 3)
    among = knn.among(zoo)
    assert sorted(among.table.llms) == zoo
    assert sorted([*among.table.llms, *among.pool.llms]) == sorted(knn.table.llms)
    assert len(knn.table.llms) == 4  # the work itself stays as it was
    rows = zoos.measure(single)
    assert set(rows["zoo"]) == {"; ".join(zoo)}
    assert set(rows["draw"]) == {3}
    judge = among.table.rows(among.folds[0].test)
    learn = among.table.rows(among.folds[0].train)
    macro = [learn.scores[learn.datasets == name].mean(axis=0) for name in set(learn.datasets)]
    best = np.mean(macro, axis=0).argmax()
    assert list(rows["question_id"]) == list(judge.ids)
    np.testing.assert_allclose(rows["score"], judge.scores[:, best])
    np.testing.assert_allclose(rows["oracle"], judge.scores.max(axis=1))
    np.testing.assert_allclose(rows["zoo_mean"], judge.scores.mean(axis=1), rtol=1e-6)
    assert "group" not in rows


def test_groups_are_kept(monkeypatch):
    work = works("draws=[0]")[1]
    table = work.table
    named = dataclasses.replace(table, groups=[f"g{i // 2}" for i in range(len(table))])
    monkeypatch.setattr(experiment_work, "load_table", lambda cfg: named.select(cfg.zoo.llms))
    work = work.among(zoos.draw_zoo(table.llms, 3, 0))  # to draw two of these
    assert set(zoos.measure(work)["group"]) <= set(named.groups)


def test_what_a_part_depends_on_is_its_own_router_and_no_path_of_this_machine():
    knn, single = works("draws=[0]")
    other, _ = works("draws=[0]", "routers.best_single.macro=false", "routers.knn.k=3")
    again, changed = works("draws=[0]", "routers.best_single.macro=false")
    assert zoos.depends_on(knn) == zoos.depends_on(again) != zoos.depends_on(other)
    assert zoos.depends_on(single) != zoos.depends_on(changed)
    job = compose_job("zoos", [*TYPED, "compared=[model_sat]"], {})
    work = work_of(job, zoos.parts(job.cfg)[0], Progress())
    assert zoos.depends_on(work)["router"]["reader"]["lm_path"] == "${carrier:smollm2_135m}"
    with pytest.raises(UsageError, match=r"got 'nobody'.*\+router@routers.nobody=nobody"):
        zoos.depends_on(works("compared=[nobody]")[0])


def rows_of(scores):
    """Make rows of two zoos and four questions: by router, a list of scores per zoo."""
    parts = [
        pd.DataFrame(
            {
                "question_id": ["x", "y", "z", "w"],
                "dataset": ["one", "one", "two", "two"],
                "score": of_zoo,
                "oracle": 1.0,
                "zoo_mean": 0.5,
            }
        ).assign(router=router, draw=draw, seed=0, zoo=f"a{draw}; b{draw}; c")
        for router, of_zoos in scores.items()
        for draw, of_zoo in enumerate(of_zoos)
    ]
    return pd.concat(parts, ignore_index=True)


ROWS = rows_of(
    {
        "best_single": [[0, 1, 0, 1], [0, 0, 0, 1]],
        "knn": [[1, 1, 0, 1], [0, 1, 1, 1]],
        "mlp": [[0, 0, 0, 1], [0, 0, 0, 1]],
    }
)


def test_the_summary_by_hand():
    found = zoos.summarise(ROWS)
    assert list(found[""].index) == [*range(5)]
    main = found[""].set_index("router")
    assert list(main.index) == ["oracle", "knn", "zoo_mean", "best_single", "mlp"]
    assert main["score"].to_dict() == {
        "oracle": 1, "knn": 0.75, "zoo_mean": 0.5, "best_single": 0.375, "mlp": 0.25,
    }  # fmt: skip
    knn = main.loc["knn"]
    assert knn["lead_best_single"] == pytest.approx(0.375)
    assert knn["lead_best_single_low"] < 0.375 < knn["lead_best_single_high"]
    # over zoos the leads are .25 and .5
    reach = stats.t.ppf(0.975, 1) * np.std([0.25, 0.5], ddof=1) / np.sqrt(2)
    assert knn["lead_best_single_zoos_low"] == pytest.approx(0.375 - reach)
    assert knn["lead_best_single_zoos_high"] == pytest.approx(0.375 + reach)
    assert main["lead_best_single_ahead"].to_dict() == {
        "oracle": 2, "knn": 2, "zoo_mean": 1, "best_single": 0, "mlp": 0,
    }  # fmt: skip
    assert "lead_recognised_dataset" not in main
    each = found["zoos"].set_index(["draw", "router"])
    assert each.loc[(0, "mlp"), "lead_best_single"] == -0.25
    assert each.loc[(1, "knn"), "score"] == 0.75


def test_seeds_are_averaged_within_a_zoo():
    other = ROWS.assign(seed=1, score=np.where(ROWS["router"] == "knn", 0.0, ROWS["score"]))
    found = zoos.summarise(pd.concat([ROWS, other]))
    assert found[""].set_index("router").loc["knn", "score"] == 0.375
    each = found["zoos"].set_index(["draw", "router"])
    assert each.loc[(0, "knn"), "lead_best_single"] == pytest.approx(0.375 - 0.5)


def test_of_one_zoo_nothing_is_known_of_others():
    main = zoos.summarise(ROWS[ROWS["draw"] == 0])[""]
    assert main[["lead_best_single_zoos_low", "lead_best_single_zoos_high"]].isna().all(axis=None)


def test_what_not_all_were_tested_on_does_not_count_and_is_told():
    about = {"data": "d", "n_llms": 9}
    whole = zoos.to_markdown(ROWS, about)
    assert "left out" not in whole
    assert whole.startswith("d: 2 zoos of 3 llms, drawn from 9;")
    apart = ROWS.drop(index=ROWS.index[(ROWS["router"] == "mlp") & (ROWS["question_id"] == "w")])
    text = zoos.to_markdown(apart, about)
    assert "Of the pairs of zoo and question 2 are left out" in text
    main = zoos.summarise(apart)[""].set_index("router")
    assert main.loc["best_single", "score"] == pytest.approx((0.25 + 0) / 2)
    line = next(line for line in whole.splitlines() if line.startswith("| knn"))
    assert line.startswith("| knn | 0.750 | +0.375 [")
    assert line.endswith(" 2 of 2 |")
    assert "| best_single | 0.375 |  |" in whole


def test_leads_are_counted_from_each_floor_that_was_run():
    floors = {"recognised_dataset": [[0, 1, 1, 1]] * 2, "recognized_subject": [[1, 1, 1, 1]] * 2}
    rows = pd.concat([ROWS, rows_of(floors)], ignore_index=True)
    found = zoos.summarise(rows)[""].set_index("router").loc["knn"]
    assert found["lead_recognised_dataset"] == pytest.approx(0)
    assert found["lead_recognized_subject"] == pytest.approx(-0.25)
    assert found["lead_recognized_subject_low"] < -0.25 < found["lead_recognized_subject_high"]
    heading = "| router | macro score | lead over best single | lead over recognized dataset |"
    assert f"{heading} lead over recognized subject |" in zoos.to_markdown(
        rows, {"data": "d", "n_llms": 9}
    )


def test_a_group_is_no_router():
    grouped = ROWS.assign(group=np.where(ROWS["question_id"].isin(["x", "y"]), "g", ""))
    found, plain = zoos.summarise(grouped), zoos.summarise(ROWS)
    assert list(found[""]["router"]) == list(plain[""]["router"])
    assert list(found[""]["score"]) == list(plain[""]["score"])
    pd.testing.assert_frame_equal(found["zoos"], plain["zoos"])


def test_every_router_is_drawn_in_every_panel():
    rows = pd.concat(
        [ROWS, ROWS[ROWS["router"] == "mlp"].assign(router="recognised_dataset", score=0.5)]
    )
    figure, axes = plt.subplots(ncols=3, squeeze=False)
    zoos.draw(axes[0], zoos.summarise(rows)[""])
    drawn = [sum(len(line.get_xdata()) == 1 for line in ax.lines) for ax in axes[0]]
    assert drawn == [4, 4, 0]  # recognized subject was not run
    labels = [text.get_text() for text in axes[0, 0].get_yticklabels()]
    assert sorted(labels) == ["best_single", "knn", "mlp", "recognised_dataset"]
    plt.close(figure)


def test_the_command(tmp_path, capsys):
    results = f"results={tmp_path / 'zoos'}"
    assert run_experiment.main(["zoos", *TYPED, *QUICK, results]) == 0
    out = capsys.readouterr().out
    assert "2 zoos of 2 llms" in out
    stored = sorted((tmp_path / "zoos/parts").iterdir())
    assert len(stored) == 4
    each = pd.read_csv(tmp_path / "zoos/zoos-zoos.csv")
    assert sorted(set(each["draw"])) == [0, 3]
    # a router more is fitted, and the others are not again
    more = [*TYPED, QUICK[0], "compared=[knn,best_single,recognised_dataset]", results]
    more += ["encoder@routers.recognised_dataset.encoder=tfidf"]
    times = {folder.name: (folder / "run.json").stat().st_mtime_ns for folder in stored}
    assert run_experiment.main(["zoos", *more]) == 0
    assert "lead over recognized dataset" in capsys.readouterr().out
    parts = sorted((tmp_path / "zoos/parts").iterdir())
    assert len(parts) == 6
    assert all(times.get(p.name, 0) in (0, (p / "run.json").stat().st_mtime_ns) for p in parts)
