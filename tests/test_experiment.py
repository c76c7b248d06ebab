"""An experiment is a module and a file of settings: storage, resumption, report come with it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from omegaconf import OmegaConf

from benchmarks import experiment, experiment_report, run_experiment, store
from benchmarks.composing import Job
from benchmarks.experiment import kept, known, module_of
from benchmarks.experiment_report import Report, table
from benchmarks.experiment_work import Work
from benchmarks.progress import Progress

TOY = '''"""How long are questions?"""
import time
from types import SimpleNamespace
from pathlib import Path

import pandas as pd


def measure(work):
    with Path("measured.txt").open("a") as file:
        file.write(f"{work.part} of {work.cfg.seed}\\n")
    time.sleep(work.cfg.seconds)
    length = [len(question) * work.cfg.scale for question in work.table.questions]
    return pd.DataFrame(
        {"question_id": work.table.ids, "dataset": work.table.datasets, "length": length}
    ).assign(seed=work.cfg.seed)


def summarise(rows):
    return rows.groupby("dataset")["length"].mean().to_frame()


def draw(ax, frame):
    ax.bar(range(len(frame)), frame["length"])
'''
SETTINGS = """defaults:
  - data: synthetic
  - zoo: all
  - split: holdout
  - _self_

seeds: [0, 1, 2]
seed: 0
scale: 1.0
seconds: 0.0
results: results/toy
"""


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """The suite, with an experiment added: two files."""
    root = tmp_path_factory.mktemp("suite")
    for name in ("benchmarks", "routers", "configs"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "benchmarks/experiments/toy.py").write_text(TOY.replace("\\n", "\\n"))
    (root / "configs/toy.yaml").write_text(SETTINGS)
    (root / "README.md").write_text("Nothing is quoted.\n")
    return root


def start(root, *typed, module="run_experiment"):
    command = [sys.executable, "-m", f"benchmarks.{module}", *typed]
    environment = os.environ | {"PYTHONPATH": str(root)}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=root, env=environment, stdout=pipe, stderr=pipe, text=True)


def ran(root, *typed, **more):
    process = start(root, *typed, **more)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


def measured(root):
    file = root / "measured.txt"
    lines = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return lines


def test_two_files_make_an_experiment(copied):
    out = ran(copied, "toy", "data.n_questions=30")
    assert len(measured(copied)) == 3
    folder = copied / "results" / "toy"
    assert (folder / "toy.md").read_text() == out
    assert "synthetic, zoo all: 30 questions, 4 llms." in out
    assert "| dataset | length |" in out
    assert "Made by `make run EXPERIMENT=toy DATA=synthetic" in out
    means = pd.read_csv(folder / "toy.csv").set_index("dataset")["length"]
    assert len(means) == 3
    assert (folder / "toy.png").stat().st_size > 1000
    # nothing is measured again, and what another setting gives is another part
    assert ran(copied, "toy", "data.n_questions=30") == out
    assert measured(copied) == []
    ran(copied, "toy", "data.n_questions=30", "scale=2", "seeds=[1,5]")
    assert measured(copied) == ["{'seed': 1} of 1", "{'seed': 5} of 5"]
    doubled = pd.read_csv(folder / "toy.csv").set_index("dataset")["length"]
    np.testing.assert_allclose(doubled, 2 * means, rtol=1e-4)


def test_it_is_published_from_what_is_stored(copied):
    out = ran(copied, "toy", "results=apart", "data.n_questions=30")
    ran(copied, "toy", "results=apart", "data.n_questions=30", "seeds=[0,1]")
    assert len(measured(copied)) == 3  # fewer seeds are parts that are there
    ran(copied, "toy", "results=apart", "data.n_questions=30")
    ran(copied, *["how_long", "--experiment", "toy", "--results", "apart"], module="publish")
    assert measured(copied) == []
    assert (copied / "results/published/how_long.md").read_text() == out
    assert (copied / "results/published/how_long.png").exists()
    assert (copied / "results/published/how_long.csv").exists()


def test_what_is_killed_goes_on_where_it_stood(copied):
    typed = ["toy", "results=killed", "data.n_questions=30", "seconds=0.5", "seeds=[0,1,2,3]"]
    rng, folder = np.random.default_rng(0), copied / "killed" / "parts"
    while len(list(folder.glob("[!.]*/run.json"))) < 2:
        process = start(copied, *typed)
        began, stored = time.monotonic(), len(list(folder.glob("[!.]*/run.json")))
        while len(list(folder.glob("[!.]*/run.json"))) == stored and process.poll() is None:
            assert time.monotonic() - began < 100
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 0.4))  # in the middle of the next part
        process.send_signal(signal.SIGKILL)
        process.communicate()
    done = len(list(folder.glob("[!.]*/run.json")))
    measured(copied)
    out = ran(copied, *typed)
    assert len(measured(copied)) == 4 - done
    undisturbed = ran(copied, *typed[:1], "results=whole", *typed[2:3], "seeds=[0,1,2,3]")
    assert out.rpartition("\n\nMade by")[0] == undisturbed.rpartition("\n\nMade by")[0]


def test_what_is_no_experiment_is_explained(capsys):
    assert run_experiment.main(["arival"]) == 2
    assert "There is no experiment 'arival': did you mean 'arrival'?" in capsys.readouterr().err
    assert run_experiment.main(["zoo=all"]) == 2
    assert "One experiment must be named, got []" in capsys.readouterr().err


@pytest.mark.parametrize("name", known())
def test_every_experiment_has_its_settings_and_its_functions(name):
    module = module_of(name)
    assert (ROOT / "configs" / f"{name}.yaml").exists()
    assert callable(module.measure)
    assert callable(module.summarise)
    assert module.__doc__


def part(tmp_path, seed, value):
    about = {"experiment": "made", "data": "d", "zoo": "z", "n_questions": 1, "n_llms": 2}
    rows = pd.DataFrame({"question_id": ["q"], "value": [value]})
    return store.load_run(store.save_run(tmp_path / "parts" / f"p{seed}", rows, about))


class Made:
    """A module, as it were."""

    @staticmethod
    def summarise(rows):
        mean = rows["value"].mean()
        frame = {"mean": [mean], "mean_low": [mean - 1], "mean_high": [mean + 1], "n": [len(rows)]}
        return {"": pd.DataFrame(frame), "rows": rows.set_index("question_id")}

    @staticmethod
    def draw_rows(ax, frame):
        ax.plot(frame["value"])


def test_a_report_has_a_file_for_each_frame(tmp_path):
    runs = [part(tmp_path, seed, float(seed)) for seed in (0, 1)]
    report = Report("made", Made, "make it", runs)
    files = {file.name for file in report.write(tmp_path / "out")}
    assert files == {"made.md", "made.csv", "made-rows.csv", "made-rows.png", "made-rows.pdf"}
    assert "| mean | n |\n|---|---|\n| 0.500 [-0.500, 1.500] | 2 |" in report.text
    assert (tmp_path / "out/made-rows.csv").read_text() == "question_id,value\nq,0\nq,1\n"
    assert {file.name for file in report.write(tmp_path / "out", "other")} >= {"other-rows.png"}


def test_the_last_report_is_found_again(tmp_path):
    first, second, third = (part(tmp_path, seed, float(seed)) for seed in range(3))
    Report("made", Made, "make it", [second, first]).remember(tmp_path)
    found = experiment_report.stored("made", Made, tmp_path)
    assert found.rows["value"].tolist() == [1, 0]
    assert "Made by `make it`" in found.text
    Report("made", Made, "make more", [third]).remember(tmp_path)
    assert experiment_report.stored("made", Made, tmp_path).rows["value"].tolist() == [2]
    with pytest.raises(FileNotFoundError, match="no report on other is kept"):
        experiment_report.stored("other", Made, tmp_path)
    kept = store.invalidate(third.folder, "Wrong.")
    assert kept == (tmp_path / "invalidated" / "p2").resolve()
    with pytest.raises(FileNotFoundError, match="p2 of made is not stored any more"):
        experiment_report.stored("made", Made, tmp_path)


def made_work(tmp_path, **settings):
    """Return a part of an experiment, as it were."""
    cfg = OmegaConf.create({"results": str(tmp_path), "seeds": [0], "k": 1} | settings)
    cfg.data = {"name": "d", "_target_": "benchmarks.sources.synthetic.load", "n_questions": 12}
    cfg.zoo = {"llms": None}
    return Work(Job(cfg, {}, []), {"size": 5}, Progress())


def test_a_setting_that_says_which_parts_there_are_changes_none():
    axes = SimpleNamespace(AXES=("sizes",))

    def key(module, **settings):
        return experiment._settings("made", module, made_work(".", **settings))

    assert key(axes, sizes=[5]) == key(axes, sizes=[5, 9])
    assert key(axes, seeds=[0]) == key(axes, seeds=[0, 1])
    assert key(axes, k=1) != key(axes, k=2)
    plain = SimpleNamespace()
    assert key(plain, sizes=[5]) != key(plain, sizes=[5, 9])
    told = SimpleNamespace(depends_on=lambda work: work.cfg.sizes[0])
    assert key(told, sizes=[5]) != key(plain, sizes=[5])


def test_where_another_process_was_faster_its_part_stands(tmp_path):
    work, calls = made_work(tmp_path), []

    def measure(work):
        calls.append(work.part)
        if len(calls) == 1:
            kept("made", module, work)  # by another process, meanwhile
        return pd.DataFrame({"question_id": ["q"], "call": [len(calls)]})

    module = SimpleNamespace(measure=measure)
    found, is_new = kept("made", module, work)
    assert not is_new
    assert found.rows()["call"].tolist() == [2]
    assert len(calls) == 2
    assert len(list(tmp_path.rglob("run.json"))) == 1


class Noting:
    """Notes something beside its rows; fails when it is told to."""

    def __init__(self):
        self.fault = ""

    def measure(self, work):
        if self.fault:
            raise ValueError(self.fault)
        work.noted["seconds"] = 1.5
        return pd.DataFrame({"question_id": ["q"]})

    def about(self, work):
        return {"cost_unit": "USD"}

    def labels(self, about):
        return {"unit": about["cost_unit"], "seconds": about["seconds"]}


def test_what_is_noted_is_stored_and_labels_the_rows(tmp_path):
    module = Noting()
    run, is_new = kept("made", module, made_work(tmp_path))
    assert is_new
    assert (run.about["cost_unit"], run.about["seconds"]) == ("USD", 1.5)
    assert list(run.rows()) == ["question_id"]
    rows = Report("made", module, "make it", [run]).rows
    assert rows.iloc[0].to_dict() == {"question_id": "q", "unit": "USD", "seconds": 1.5}


def test_what_work_on_fewer_llms_finds_is_noted_of_the_part(tmp_path):
    work = made_work(tmp_path)
    work.among(work.table.llms[:2]).noted["found"] = 1
    assert work.noted == {"found": 1}


def test_a_part_that_fails_is_recorded_until_it_succeeds(tmp_path):
    module = Noting()
    module.fault = "it broke"
    with pytest.raises(ValueError, match="it broke") as caught:
        kept("made", module, made_work(tmp_path))
    (file,) = tmp_path.rglob("*.json")
    assert file.parent == tmp_path / "failed"
    assert str(file) in caught.value.__notes__[0]
    assert json.loads(file.read_text())["error"] == "ValueError: it broke"
    module.fault = ""
    run, _ = kept("made", module, made_work(tmp_path))
    assert file.stem == run.folder.name
    assert not file.exists()


def test_a_part_is_measured_again_where_that_is_forced(tmp_path):
    module = Noting()
    first, _ = kept("made", module, made_work(tmp_path))
    assert kept("made", module, made_work(tmp_path))[1] is False
    second, is_new = kept("made", module, made_work(tmp_path, force=True))
    assert is_new
    assert second.folder == first.folder
    assert [file.parent.parent.name for file in tmp_path.rglob("invalidated.json")] == [
        "invalidated"
    ]


def test_a_frame_as_a_table():
    frame = pd.DataFrame({"name": ["a|b"], "x": [np.nan], "ok": [True], "n": [3], "y": [1234.5]})
    assert table(frame).splitlines() == [
        "| name | x | ok | n | y |",
        "|---|---|---|---|---|",
        "| a\\|b | – | True | 3 | 1,234 |",  # noqa: RUF001 - a dash, not a minus
    ]
