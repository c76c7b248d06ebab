# ruff: noqa: E501 - a slip and its sentence stand on one line
"""What a person types: one sentence for a slip, failures that end nothing, paths of any signs."""

import json
import multiprocessing
import os
import signal
import subprocess
import time

import numpy as np
import pandas as pd
import pytest

from benchmarks import run, run_experiment, store
from benchmarks.composing import ROOT, UsageError, compose_job, data_overrides, expand
from benchmarks.experiments import routing
from benchmarks.leaderboard import leaderboard

CHEAP = ["--data", "synthetic", "data.n_questions=60", "split=holdout"]
CHEAP += ["encoder@recogniser.encoder=tfidf"]


def said(capsys) -> list[str]:
    return [line for line in capsys.readouterr().err.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twenty questions, two llms, in the folder format."""
    path = tmp_path_factory.mktemp("outcomes")
    write_folder(path)
    return path


def write_folder(path, **changes):
    path.mkdir(exist_ok=True, parents=True)
    ids = [f"q{i}" for i in range(20)]
    questions = pd.DataFrame(
        {"question_id": ids, "dataset": "d", "question": [f"What is {i}?" for i in range(20)]}
    )
    outcomes = pd.DataFrame(
        [
            (name, llm, float((i + k) % 2))
            for i, name in enumerate(ids)
            for k, llm in enumerate("ab")
        ],
        columns=["question_id", "llm", "score"],
    )
    for name, frame in {"questions": questions, "outcomes": outcomes}.items():
        change = changes.get(name, lambda same: same)(frame)
        if change is not None:
            change.to_parquet(path / f"{name}.parquet")
    return path


# Slips -------------------------------------------------------------------------------------------

SLIPS = {
    # unknown names
    "router=knm": "There is no router 'knm': did you mean 'knn'? There are: avengers, ",
    "router=knn,kmeens": "There is no router 'kmeens': did you mean 'kmeans'? There are: ",
    "router=knn zoo=smal8": "There is no zoo 'smal8': did you mean 'small8'? There are: all, ",
    "router=knn split=kfolds": "There is no split 'kfolds': did you mean 'kfold'? There are: ",
    "router=knn pool=everybody": "There is no pool 'everybody'. There are: none, others.",
    "router=knn tracking=wand": "There is no tracking 'wand': did you mean 'wandb'? There are: ",
    "router=knn encoder@router.encoder=minlm": "There is no encoder 'minlm': did you mean 'minilm'?",
    "sweep=neigbours": "There is no sweep 'neigbours': did you mean 'neighbours'? There are: ",
    "sweep=": "There is no sweep ''. There are: ",
    "--data smal_llms router=knn": "configs/data or the path of a folder, got 'smal_llms': did you",
    "--data nowhere/at_all router=knn": "DATA=nowhere/at_all must be a folder with outcomes, and is ",
    "router=small8": "There is no router 'small8': that is a zoo. There are: ",
    "router=KNN": "There is no router 'KNN': did you mean 'knn'? There are: ",
    "router=knn.yaml": "There is no router 'knn.yaml': did you mean 'knn'? There are: ",
    "router=[knn]": "did you mean 'knn'? There are: ",
    "router=knn zoo=": "There is no zoo ''. There are: all, ",
    "--data synthetic": "No router was named. Name one: avengers, ",
    # misspelt settings
    "router=knn router.kk=3": "There is no setting 'router.kk' here: did you mean 'router.k'? ",
    "router=knn router.n_clusters=3": "There is no setting 'router.n_clusters' here. 'router' has: ",
    "rooter=knn": "There is no setting 'rooter' here: did you mean 'router'? There are: ",
    "router=knn sed=1": "There is no setting 'sed' here: did you mean 'seed'? There are: ",
    "router=knn split.n_fold=3": "'split.n_fold' here: did you mean 'split.n_folds'? 'split' has: ",
    "router=knn +router.kk=3": "got an unexpected keyword argument 'kk'",
    "router=best_single encoder@router.encoder=tfidf": "no setting 'encoder@router.encoder' here",
    "router=knn router.encoder=tfidf": "must be written encoder@router.encoder=tfidf.",
    # not name=value
    "knn": "'knn' must be a setting name=value, and cannot be read.",
    "router=knn router.k=[": "'router.k=[' must be a setting name=value, and cannot be read.",
    "router=knn ~split": "'~split' must give a setting another value: none can be taken out.",
    "router=knn data=folder": "data.path must be given: say data.path=..., there is no default.",
    # wrong types, negative, empty, swapped
    "router=best_single seed=-1": "run: parameter 'seed' must be an integer ",
    "router=best_single seed=one": "run: parameter 'seed' must be an integer ",
    "router=best_single seed=1.5": "run: parameter 'seed' must be an integer ",
    "router=best_single pool.size=-3": "run: parameter 'pool.size' must be an integer of at least 0 ",
    "router=best_single force=maybe": "run: parameter 'force' must be ",
    "router=best_single zoo.llms=a": "run: parameter 'zoo.llms' must be ",
    "router=best_single zoo.llms=[nobody]": "'llms' to select must be in the table, got ['nobody']",
    "router=best_single router.macro=3": "BestSingle: parameter 'macro' must be ",
    "router=knn encoder@router.encoder=tfidf router.k=2.5": "KNNRouter: parameter 'k' must be an int",
    "router=knn encoder@router.encoder=tfidf router.k=0": "KNNRouter: parameter 'k' must be an integ",
    "router=knn encoder@router.encoder=tfidf router.k=ten": "KNNRouter: parameter 'k' must be an int",
    "router=knn encoder@router.encoder=tfidf router.k=null": "KNNRouter: parameter 'k' must be an in",
    "router=knn encoder@router.encoder=tfidf router.encoder.dim=-2": "TfidfEncoder: parameter 'dim' ",
    "router=logistic encoder@router.encoder=tfidf router.estimator.strength=-1": "'strength' must be",
    "router=logistic encoder@router.encoder=tfidf +router.target=bst": "got 'bst'. Did you mean 'best'?",
    "router=best_single split.n_folds=1": "kfold: parameter 'n_folds' must be an integer of at least",
    "router=best_single split.n_folds=2.5": "kfold: parameter 'n_folds' must be an integer of at leas",
    "router=best_single split.n_folds=999": "'n_folds'",
    "router=best_single split=holdout split.test_share=30": "holdout: parameter 'test_share' must be",
    "router=best_single split=given": "Fill column 'split' of questions.parquet, or use kfold.",
    "router=best_single data.n_questions=-5": "parameter 'n_questions' must be an integer of at least",
}


@pytest.mark.parametrize("typed", SLIPS)
def test_a_slip_costs_one_sentence(typed, tmp_path, capsys):
    arguments = typed.split()
    if "--data" not in arguments and "data=folder" not in arguments:
        arguments += ["--data", "synthetic"]
    status = run.main([*arguments, "encoder@recogniser.encoder=tfidf", "--results", str(tmp_path)])
    lines = said(capsys)
    assert status in (1, 2)
    assert SLIPS[typed] in lines[0]
    assert len(lines) <= 2  # the sentence, and for a run that failed how many did
    assert not any("Traceback" in line for line in lines)
    assert not list(tmp_path.glob("runs/*"))


BROKEN = {
    "no questions": ({"questions": lambda f: None}, "questions.parquet is not there"),
    "no outcomes": ({"outcomes": lambda f: None}, "outcomes.parquet is not there"),
    "no column question": (
        {"questions": lambda f: f.drop(columns="question")},
        "questions.parquet must have a column 'question', it has: ",
    ),
    "no column score": (
        {"outcomes": lambda f: f.rename(columns={"score": "scores"})},
        "outcomes.parquet must have a column 'score', it has: question_id, llm, scores",
    ),
    "score in percent": (
        {"outcomes": lambda f: f.assign(score=f["score"] * 100)},
        "column 'score': must be a finite number in [0, 1] or missing, got 100.0.",
    ),
    "empty id": (
        {"questions": lambda f: f.assign(question_id=["", *f["question_id"][1:]])},
        "questions.parquet, row 0, column 'question_id': must be",
    ),
    "same id twice": (
        {"questions": lambda f: f.assign(question_id="q1")},
        "column 'question_id': must be unique",
    ),
    "unknown question": (
        {"questions": lambda f: f[1:]},
        "column 'question_id': must be an id of questions.parquet, got 'q0'",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_fault_in_a_data_folder_costs_one_sentence(fault, tmp_path, capsys):
    changes, sentence = BROKEN[fault]
    path = write_folder(tmp_path / "data", **changes)
    arguments = ["router=best_single,cheapest", "--results", str(tmp_path)]
    assert run.main([*arguments, "--data", str(path)]) == 1
    first, second, last = said(capsys)
    assert sentence in first
    assert "FAILED: as the one before" in second
    assert last == "2 of 2 runs failed. The same command tries them again."


@pytest.mark.parametrize("name", ["arrival", "ceiling", "unseen"])
def test_other_experiments_explain_slips_too(name, capsys):
    def main(typed):
        return run_experiment.main([name, *typed])

    assert main(["zoo=smal8"]) == 2
    assert said(capsys)[0].startswith("There is no zoo 'smal8': did you mean 'small8'?")
    assert main(["--data", "nowhere/at_all"]) == 2
    assert said(capsys) == ["DATA=nowhere/at_all must be a folder with outcomes, and is not there."]
    assert main(["--data", str(ROOT / "Makefile")]) == 2
    assert said(capsys)[0].endswith("Makefile must be a folder with outcomes, and is a file.")
    assert main(["--results="]) == 2
    assert said(capsys) == ["RESULTS must name the folder to write into, got ''."]


def test_arrivals_need_months_and_families(tmp_path, capsys):
    write_folder(tmp_path / "data")
    pd.DataFrame({"llm": ["a", "b"], "kin": ["x", "y"]}).to_parquet(tmp_path / "data/llms.parquet")
    typed = ["--data", str(tmp_path / "data"), "zoo=all", "zoo.llms=[a]"]
    assert run_experiment.main(["arrival", *typed]) == 2
    assert "needs a zoo whose file has months of release, such as zoo=dated" in said(capsys)[-1]
    typed += ["+zoo.released=['2024-01']", "+zoo.families={}"]
    assert run_experiment.main(["arrival", *typed]) == 2
    assert "must have the column 'arch', which tells families apart" in said(capsys)[-1]
    assert (
        run_experiment.main(
            ["arrival", "--data=synthetic", *typed[2:], "zoo.llms=[cheap allrounder]"]
        )
        == 2
    )
    assert "needs DATA=<folder> with facts of the llms in llms.parquet" in said(capsys)[-1]


# What is typed, and what it means ------------------------------------------------------------------


def test_every_combination_is_a_job_and_what_is_typed_goes_before_the_sweep():
    assert expand(["router=knn,kmeans", "seed=0,1", "zoo=all"]) == [
        ["router=knn", "seed=0", "zoo=all"],
        ["router=knn", "seed=1", "zoo=all"],
        ["router=kmeans", "seed=0", "zoo=all"],
        ["router=kmeans", "seed=1", "zoo=all"],
    ]
    jobs = expand(["sweep=neighbours", "seed=7"])
    assert len(jobs) == 7
    assert all("seed=7" in job and "router=knn" in job for job in jobs)
    assert len(expand(["router=glob(k*)"])) == 3
    assert expand(["zoo=all", "router=knn", "zoo=small8"]) == [["zoo=small8", "router=knn"]]


def test_a_name_is_a_source_unless_it_is_a_folder(folder, monkeypatch):
    assert data_overrides("synthetic") == (["data=synthetic"], {})
    assert data_overrides("synthetic,small_llms") == (["data=synthetic,small_llms"], {})
    monkeypatch.chdir(folder.parent)
    for name in (folder.name, f"./{folder.name}", f"{folder}/"):
        overrides, verbatim = data_overrides(name)
        assert (
            compose_job("routing", ["router=knn", *overrides], verbatim).cfg.data.name
            == folder.name
        )
    with pytest.raises(UsageError, match="must name a source"):
        data_overrides("")


ODD = ["a blank", "it's", "a#b", "$HOME x", "${x}", "100%", "a,b=c", "[x]{y}", '"q"', "a\\b", "~x"]
ODD += ["ü 模型", "semi;colon&and", "(p)", "*", "-x", "a:b", "!x"]


@pytest.mark.parametrize("name", ODD)
def test_a_path_may_hold_any_sign(name, tmp_path, capsys):
    data, results = tmp_path / name / "data", tmp_path / "r" / name
    write_folder(data)
    arguments = ["router=best_single", "split=holdout"]
    for path in (data, write_folder(tmp_path / name)):
        assert run.main([*arguments, "--data", str(path), "--results", str(results)]) == 0
        assert "**best_single**" in capsys.readouterr().out
    stored = {stored.about["data"] for stored in store.load_runs(results)}
    assert stored == {"data", name}


@pytest.fixture
def handed_on(tmp_path):
    """A stand-in for Python prints its arguments: neither make nor the shell may change them."""
    stand_in = tmp_path / "python"
    stand_in.write_text("#!/bin/sh\nprintf '<%s>\\n' \"$@\"\n")
    stand_in.chmod(0o755)

    def given(*typed: str) -> list[str]:
        command = ["make", "-s", "-o", "install", f"RUN={stand_in}", *typed]
        told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        return [line[1:-1] for line in told.splitlines()]

    return given


@pytest.mark.parametrize("name", ODD)
def test_make_hands_on_what_was_typed(name, handed_on):
    typed = [f"DATA=a/{name}", f"RESULTS={name}", "ROUTER=knn,kmeans", "SEED=0,1", "ARGS=x='1 2'"]
    assert handed_on("bench", *typed) == [
        *("-m", "benchmarks.run", f"--data=a/{name}", "zoo=all", "split=kfold"),
        *(f"--results={name}", "router=knn,kmeans", "seed=0,1", "x=1 2"),
    ]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["run", "EXPERIMENT=toy"], ["toy"]),
        (["run", "EXPERIMENT=toy", "DATA=x", "ZOO=a b"], ["toy", "--data=x", "zoo=a b"]),
        (["arrival", "DATA=x"], ["arrival", "--data=x", "router@examined=model_sat"]),
        (["unseen", "DATA=x", "SPLIT=kfold"], ["unseen", "--data=x", "split=kfold"]),
    ],
)
def test_what_was_not_typed_is_left_to_the_experiment(typed, told, handed_on):
    assert handed_on(*typed) == ["-m", "benchmarks.run_experiment", *told]


def test_a_reason_is_handed_on_whole(handed_on):
    typed = ["FOLDER=results/runs/a b", 'REASON=it\'s "wrong"']
    assert handed_on("invalidate", *typed) == [
        *("-m", "benchmarks.invalidate", "results/runs/a b", 'it\'s "wrong"')
    ]


def test_settings_among_the_arguments_go_before_the_options_of_make(tmp_path, capsys):
    other = tmp_path / "other"
    arguments = ["--data=small_llms", f"--results={tmp_path / 'first'}", "zoo=all", "router=random"]
    assert run.main([*arguments, "data=synthetic", f"results={other}", "split=holdout"]) == 0
    assert "## synthetic, zoo all, split holdout" in capsys.readouterr().out
    assert len(store.load_runs(other)) == 1


def test_questions_that_nobody_was_asked_are_left_out_and_named(folder, tmp_path, capsys):
    def with_unasked(questions):
        more = [
            ("u0", "d", "Was this asked?"),
            ("u1", "other", "And this?"),
            ("u2", "other", "Or this?"),
        ]
        return pd.concat([questions, pd.DataFrame(more, columns=questions.columns)])

    whole, part = tmp_path / "whole", tmp_path / "part"
    arguments = ["router=best_single,recognised_dataset", "split=holdout", *CHEAP[-1:]]
    assert run.main([*arguments, "--data", str(folder), "--results", str(whole)]) == 0
    write_folder(tmp_path / "data", questions=with_unasked)
    typed = [*arguments, "--data", str(tmp_path / "data"), "--results", str(part)]
    capsys.readouterr()
    assert run.main([*typed, "zoo.llms=[a]"]) == 0
    (remark,) = [line for line in said(capsys) if "no outcome" in line]
    assert remark == (
        "3 of 23 questions have no outcome of any llm of the zoo and are left out, among them all "
        "of 'other'."
    )
    assert run.main(typed) == 0
    rows = [
        {run.about["router"]: run.rows() for run in store.load_runs(place)}
        for place in (whole, part)
    ]
    for router in rows[0]:
        assert len(rows[1][router]) == len(rows[0][router])
        assert list(rows[1][router]["question_id"]) == list(rows[0][router]["question_id"])


# Failures ------------------------------------------------------------------------------------------


def test_a_failed_run_is_recorded_the_others_go_on_and_a_rerun_retries_just_that(
    tmp_path, capsys, monkeypatch
):
    arguments = [*CHEAP, "router=best_single,cheapest,random", "--results", str(tmp_path)]
    fit = routing.evaluate

    def failing(router, *rest):
        if type(router).__name__ == "Cheapest":
            raise KeyError("a defect")
        return fit(router, *rest)

    monkeypatch.setattr(routing, "evaluate", failing)
    assert run.main(arguments) == 1
    printed = capsys.readouterr()
    lines = printed.err.splitlines()
    assert (
        "[2/3] cheapest, seed 0, synthetic/all/holdout, pool others: FAILED: KeyError: 'a defect'"
        in lines[1]
    )
    assert "1 of 3 runs failed. The same command tries them again." in lines
    assert printed.out.count("**best_single**") == printed.out.count("**random**") == 1
    (record,) = tmp_path.glob("failed/synthetic/all/holdout/cheapest/*.json")
    found = json.loads(record.read_text())
    assert found["error"] == "KeyError: 'a defect'"
    assert "in failing" in found["traceback"]
    assert str(record) in lines[1]

    evaluated = []
    monkeypatch.setattr(routing, "evaluate", lambda *a: evaluated.append(a[0]) or fit(*a))
    assert run.main(arguments) == 0
    assert [type(router).__name__ for router in evaluated] == ["Cheapest"]
    assert not list(tmp_path.glob("failed/**/*.json"))
    assert (
        "[1/3] best_single, seed 0, synthetic/all/holdout, pool others is stored already"
        in said(capsys)[0]
    )


def test_nothing_runs_if_one_of_the_jobs_cannot_be_composed(tmp_path, capsys):
    assert run.main([*CHEAP, "router=best_single,knn", "router.macro=true"]) == 2
    assert "There is no setting 'router.macro' here." in said(capsys)[0]
    assert not list(tmp_path.glob("**/run.json"))


def test_interruption_says_how_to_go_on(tmp_path, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(routing, "evaluate", interrupted)
    assert run.main([*CHEAP, "router=random", "--results", str(tmp_path)]) == 130
    assert said(capsys)[-1].endswith("the same command goes on.")
    assert not list(tmp_path.glob("failed/**/*.json"))


def _sweep(results):
    routers = "router=best_single,random,cheapest"
    run.main([*CHEAP, routers, "seed=0,1,2,3", "--results", str(results)])


def test_kill_at_ten_random_moments_and_the_table_is_the_undisturbed_one(tmp_path):
    context, rng = multiprocessing.get_context("fork"), np.random.default_rng(0)

    def start(results):
        process = context.Process(target=_sweep, args=(results,))
        process.start()
        return process

    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    begin = time.perf_counter()
    start(undisturbed).join()
    whole = time.perf_counter() - begin
    for _ in range(10):
        process = start(killed)
        time.sleep(rng.uniform(0.05, 0.6) * whole)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    start(killed).join()
    boards = [leaderboard(store.load_runs(place)) for place in (undisturbed, killed)]
    timing = ["fit_seconds", "route_qps", "encode_seconds", "peak_memory_mb"]
    assert list(boards[0]["n_seeds"]) == [4, 4, 4]
    one, two = (board.drop(columns=timing) for board in boards)
    pd.testing.assert_frame_equal(one, two)
