"""One run: what its key depends on, under which names it is stored, and what is stored."""

import json

import pandas as pd
import pytest
from made_source import POOLS, TRACKED, settings
from routed import folder_of, routed

from benchmarks import experiment, experiment_report, run, run_experiment, store
from benchmarks.composing import Job, UsageError
from benchmarks.experiment_work import Work, config_of
from benchmarks.experiments import routing
from benchmarks.progress import Progress
from routers.validation import NotApplicableError

CHOICES = {"router": "noting", "zoo": "two", "pool": "others", "split": "holdout", "data": "made"}


def run_id(**changes):
    work = Work(Job(settings(**changes), CHOICES, []), {}, Progress())
    return store.RunId(routing.settings(work), *work.hashes)


def key_of(**changes):
    return run_id(**changes).key


@pytest.mark.parametrize(
    "change",
    [
        {"router__level": 1},
        {"router__encoder": {"_target_": "made_boards.FirstWord"}},
        {"recogniser__strength": 1.0},
        {"recogniser__encoder__dim": 8},
        {"data__kind": "gaps"},
        {"zoo__llms": ["alpha"]},
        {"pool__size": 0},
        {"pool__seed": 1},
        {"split__test_share": 0.25},
        {"split__near_duplicates": 0.9},
        {"seed": 1},
    ],
    ids=str,
)
def test_whatever_determines_a_result_makes_another_run(change):
    assert key_of(**change) != key_of()


@pytest.mark.parametrize(
    "change",
    [
        {"data__path": "/some/where/else"},
        {"results": "elsewhere"},
        {"force": True},
        {"tracking": None},
        {"sweep": {"axis": 1}},
    ],
    ids=str,
)
def test_where_and_how_it_is_run_does_not(change):
    assert key_of(**change) == key_of()


def test_what_depends_on_the_machine_stays_as_it_was_written():
    cfg = settings(router__folder="${carrier:minilm}")
    assert config_of(cfg)["router"]["folder"] == "${carrier:minilm}"
    assert key_of(data__path="/a") == key_of(data__path="/b")


def test_outcomes_of_zoo_and_pool_are_hashed_apart():
    whole, gaps, fewer = run_id(), run_id(data__kind="gaps"), run_id(pool__size=1)
    assert whole.data_hash != gaps.data_hash
    assert whole.data_hash == fewer.data_hash
    assert whole.pool_hash != fewer.pool_hash
    assert run_id(pool__size=0).pool_hash == ""


def job(tmp_path, overrides=(), **changes):
    return Job(settings(results=str(tmp_path), **changes), CHOICES, list(overrides))


def test_names_of_a_run(tmp_path):
    overrides = [
        "router=noting",
        "router.level=2",
        "encoder@router.encoder=tfidf",
        "pool=others",
        "pool.size=3",
        "data=made",
        "split.test_share=0.5",
        "recogniser.strength=1.0",
        "encoder@recogniser.encoder=tfidf",
        "seed=4",
    ]
    assert routing.names(job(tmp_path, overrides, seed=4)) == {
        "router": "noting",
        "label": "noting level=2 encoder=tfidf pool=others size=3",
        "data": "made up",
        "zoo": "two",
        "pool": "others",
        "split": "holdout",
        "seed": 4,
    }
    assert routing.names(job(tmp_path, ["router.a.b=${x}=1"]))["label"] == "noting a.b=${x}=1"
    assert routing.names(job(tmp_path, ["tracking=a@router.b"]))["label"] == "noting"


@pytest.fixture(autouse=True)
def nothing_noted():
    POOLS.clear()
    TRACKED.clear()


def test_what_is_stored(tmp_path):
    folder, said = routed(job(tmp_path, ["router.level=0"], data__kind="gaps"))
    about = json.loads((folder / "run.json").read_text())
    assert about["key"] == key_of(data__kind="gaps", router__level=0) == folder.name
    assert folder == tmp_path / "runs" / "made up" / "two" / "holdout" / "noting" / about["key"]
    assert (about["label"], about["seed"], about["pool"]) == ("noting level=0", 0, "others")
    assert about["config"]["split"]["test_share"] == 0.5
    assert about["left_out"] == {"unanswerable": 2, "unasked": 2}
    assert (about["n_duplicates"], about["n_near_duplicates"]) == (1, 1)  # q1 and q2
    assert about["near_duplicates_at"] == 0.9
    assert about["cost_unit"] == "USD"
    assert about["timing"]["fit_seconds"] >= 0
    assert about["arithmetic"] == {}
    rows = pd.read_parquet(folder / "rows.parquet")
    assert len(rows) == 2  # half of four
    assert set(rows["question_id"]) < {"q1", "q2", "q3", "q4"}
    assert POOLS == [["charlie", "delta", "echo"]]
    ((told, figures),) = TRACKED
    assert told["key"] == about["key"]
    taken = rows[["score/alpha", "score/bravo"]].to_numpy()[range(2), rows["choice"]]
    assert figures["macro_score"] == pytest.approx(taken.mean())
    assert figures["fit_seconds"] == about["timing"]["fit_seconds"]
    assert said.startswith(f"macro {taken.mean():.3f}, gap closed ")


def test_results_lie_in_the_repository_unless_they_are_put_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "ROOT", tmp_path)
    folder = folder_of(Job(settings(results="below"), CHOICES, []))
    assert folder.is_relative_to(tmp_path / "below" / "runs")


def test_what_is_not_tracked_is_said_without_intervals(tmp_path, monkeypatch):
    def refused(*_):
        raise AssertionError("no interval is asked for")

    said = routed(job(tmp_path))[1]
    TRACKED.clear()
    nowhere = {"_target_": "benchmarks.tracking.none", "_partial_": True}
    monkeypatch.setattr("benchmarks.paired.bootstrap_macro", refused)
    quiet = routed(job(tmp_path / "quiet", tracking=nowhere))[1]
    assert quiet.partition(";")[0] == said.partition(";")[0]
    assert TRACKED == []


def test_what_was_encoded_is_said_if_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr("made_source.Noting.precompute", lambda self, texts, progress: 1234)
    assert "; 1,234 texts encoded in 0.0 s; fit " in routed(job(tmp_path))[1]
    monkeypatch.undo()
    said = routed(job(tmp_path, seed=1))[1]
    assert "encoded" not in said
    assert " per fold, peak memory " in said


def test_the_pool_is_that_of_the_settings(tmp_path):
    folder_of(job(tmp_path, pool__size=0))
    folder_of(job(tmp_path, pool__size=1))
    assert POOLS[0] is None
    assert len(POOLS[1]) == 1
    assert len(list((tmp_path / "runs").rglob("run.json"))) == 2


def test_a_stored_run_is_not_done_again_unless_it_is_forced(tmp_path):
    first = folder_of(job(tmp_path))
    assert routed(job(tmp_path)) == (first, "")
    assert len(POOLS) == len(TRACKED) == 1
    assert folder_of(job(tmp_path, force=True)) == first
    assert len(POOLS) == len(TRACKED) == 2
    (reason,) = (tmp_path / "invalidated").rglob("invalidated.json")
    assert "It was done again (force=true)." in reason.read_text()
    assert len(list((tmp_path / "runs").rglob("run.json"))) == 1


def test_where_another_process_was_faster_its_run_stands(tmp_path, monkeypatch):
    whole, folders = routing.evaluate, []

    def slow(*arguments):
        if not folders:  # by another process, meanwhile
            folders.append(None)
            folders[0] = folder_of(job(tmp_path))
        return whole(*arguments)

    monkeypatch.setattr(routing, "evaluate", slow)
    assert folder_of(job(tmp_path)) == folders[0]
    assert len(list(tmp_path.rglob("run.json"))) == 1
    assert len(TRACKED) == 1
    assert not list(tmp_path.rglob("*.part"))


def test_a_run_that_fails_is_recorded_until_it_succeeds(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="it broke") as caught:
        folder_of(job(tmp_path, router__fault="it broke"))
    (file,) = (tmp_path / "failed").rglob("*.json")
    assert str(file) in caught.value.__notes__[0]
    about = json.loads(file.read_text())
    assert about["error"] == "ValueError: it broke"
    assert about["key"] == file.stem
    assert about["router"] == "noting"
    assert not (tmp_path / "runs").exists()
    monkeypatch.setattr(
        "made_source.Noting._fit_beside", lambda self, table, pool: self._fit(table)
    )
    folder_of(job(tmp_path, router__fault="it broke"))
    assert not file.exists()


def test_what_does_not_apply_is_no_failure(tmp_path):
    with pytest.raises(NotApplicableError):
        folder_of(job(tmp_path, router__fault="not applicable"))
    assert not (tmp_path / "failed").exists()


def test_the_seed_and_the_split_decide_which_questions_are_tested(tmp_path):
    def tested(**changes):
        folder = folder_of(job(tmp_path, **changes))
        return list(pd.read_parquet(folder / "rows.parquet")["question_id"])

    assert len(tested()) > len(tested(split__test_share=0.25))
    assert tested(seed=1) != tested(seed=2)


def test_settings_are_stored_as_they_were_written(tmp_path):
    changes = {"sweep": {"axis": "${seed}"}, "router__level": "${seed}"}
    folder = folder_of(job(tmp_path, **changes))
    config = json.loads((folder / "run.json").read_text())["config"]
    assert config["sweep"]["axis"] == config["router"]["level"] == "${seed}"
    assert config_of(settings(**changes))["router"]["level"] == "${seed}"


def test_parts_are_built_of_plain_values(tmp_path, monkeypatch):
    built = []
    fit = routing.evaluate

    def noted(router, table, folds, recogniser, *more):
        built.extend([router.level, recogniser.prior])
        return fit(router, table, folds, recogniser, *more)

    monkeypatch.setattr(routing, "evaluate", noted)
    folder_of(job(tmp_path, router__level=[1, {"a": 2}], recogniser__prior="${seed}", seed=3))
    assert built == [[1, {"a": 2}], 3]
    assert type(built[0]) is list
    assert type(built[0][1]) is dict


def test_the_floor_must_be_one_that_has_a_twin():
    with pytest.raises(UsageError, match="router@recogniser must be recognised_dataset"):
        routing._recogniser('{"_target_": "routers.baselines.BestSingle"}')


def test_stages_are_shown_as_they_come(tmp_path):
    seen = []

    class Shown(Progress):
        def stage(self, what, unit):
            seen.append((what, unit))
            return super().stage(what, unit)

    folder_of(job(tmp_path), Shown())
    assert seen[:2] == [("reading made up", "outcome"), ("comparing questions", "question")]
    assert len(seen) > 2  # and those of the evaluation


def test_a_line_says_what_came_of_a_run():
    figures = {"gap_closed": 0.125, "macro_score": 0.7104}
    timing = {"n_precomputed": 0, "fit_seconds": 1.2345, "peak_memory_mb": 1536}
    assert routing._line(figures, timing) == (
        "macro 0.710, gap closed +0.12; fit 1.23 s per fold, peak memory 1.5 GB"
    )
    more = routing._line(
        {"gap_closed": float("nan"), "macro_score": 0.5},
        {
            "n_precomputed": 1234,
            "precompute_seconds": 5.06,
            "fit_seconds": 0.5,
            "peak_memory_mb": 102.4,
        },
    )
    assert more == (
        "macro 0.500, gap closed –; 1,234 texts encoded in 5.1 s; "  # noqa: RUF001
        "fit 0.5 s per fold, peak memory 0.1 GB"
    )


def test_it_is_an_experiment_that_reports_on_the_run_that_is_stored(tmp_path, capsys):
    typed = ["--data=synthetic", "split=holdout", "encoder@recogniser.encoder=tfidf"]
    typed += ["router=best_single", f"results={tmp_path}"]
    assert run.main(typed) == 0
    (folder,) = (file.parent for file in tmp_path.rglob("run.json"))
    stored = store.load_run(folder)
    capsys.readouterr()
    assert run_experiment.main(["routing", *typed]) == 0
    assert [file.parent for file in tmp_path.rglob("run.json")] == [folder]
    text = capsys.readouterr().out
    board = pd.read_csv(tmp_path / "leaderboard.csv").iloc[0]
    assert "| best_single |" in text
    low, high = board["macro_low"], board["macro_high"]
    assert f"| macro score | {board['macro_score']:.3f} [{low:.3f}, {high:.3f}] |" in text
    assert f"| oracle | {board['oracle']:.3f} |" in text
    assert text.startswith(f"synthetic, zoo all, split holdout: {len(stored.rows())} questions")
    assert (tmp_path / "routing.pdf").exists()
    report = experiment_report.stored("routing", routing, tmp_path)
    assert report.text == text
