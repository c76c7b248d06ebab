"""Published figures, worked out again with this suite's functions.

``tests/published/*.csv`` hold the figures as printed, each with its source in the first line. Where
a source's own arithmetic does not hold, the test says so: that is a finding, not a tolerance.
"""

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

from benchmarks.arrival_setting import arrival_zoos
from benchmarks.field import llmrouterbench, routereval
from benchmarks.scoring import gap_closed
from routers.choice import choose

FOLDER = ROOT / "tests" / "published"


def published(name):
    return pd.read_csv(FOLDER / f"{name}.csv", comment="#")


def test_every_published_table_names_its_source():
    files = sorted(FOLDER.glob("*.csv"))
    assert len(files) == 5
    assert all(file.read_text().startswith("# ") for file in files)


# Srivatsa, Maurya and Kochmar 2024: policies over a multi-label classifier --------------------

POLICIES = ("Oracle", "Random", "bound", "P1", "P2", "P3", "P4")


@pytest.fixture
def srivatsa():
    table = published("srivatsa")
    return {name: rows.set_index("policy")["accuracy"] for name, rows in table.groupby("dataset")}


def llms_of(accuracy):
    return accuracy[[not any(word in name for word in POLICIES) for name in accuracy.index]]


def policy(accuracy, start):
    return accuracy[[name for name in accuracy.index if name.startswith(start)]].item()


def test_trained_policies_close_no_gap(srivatsa):
    def closed(dataset, start):
        accuracy = srivatsa[dataset]
        single = llms_of(accuracy).max()
        return gap_closed(policy(accuracy, start), single, accuracy["Oracle"])

    assert closed("gsm8k", "P3") == pytest.approx(-0.21, abs=0.005)
    assert closed("mmlu", "P3") == 0
    assert closed("gsm8k", "Oracle") == 1
    for dataset in ("gsm8k", "mmlu"):
        assert all(closed(dataset, start) <= 0 for start in ("P1", "P2", "P3", "P4"))


def test_random_policy_is_the_mean_llm(srivatsa):
    # printed: means of 1,000 draws
    for accuracy in srivatsa.values():
        assert accuracy["Random"] == pytest.approx(llms_of(accuracy).mean(), abs=0.1)


def test_p3_on_mmlu_is_one_llm_always_and_p4_another(srivatsa):
    llms, accuracy = llms_of(srivatsa["mmlu"]), srivatsa["mmlu"]
    assert llms.idxmax() == "gemma-7b"
    assert policy(accuracy, "P3") == llms["gemma-7b"]
    assert policy(accuracy, "P4") == llms["llama2-7b"]  # the artefact of the next tests


@pytest.fixture
def confident():
    """Confidences of three llms on four questions, and who is right."""
    confidence = np.array([[0.4, 0.7, 0.1], [0.3, 0.2, 0.45], [0.9, 0.6, 0.2], [0.2, 0.4, 0.3]])
    right = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0]], dtype=float)
    return confidence, right


def test_p3_is_argmax_without_the_label_check(confident):
    confidence, right = confident
    names, cost = ["a", "b", "c"], np.full((4, 3), np.nan)
    argmax = choose(confidence, cost, names)
    # P3 takes a prediction, one number per question, from every confidence
    shift = np.array([[0.5], [-0.2], [0.31], [0.07]])
    np.testing.assert_array_equal(choose(confidence - shift, cost, names), argmax)
    taken = right[np.arange(4), argmax]
    # P1 also wants the chosen llm's label predicted positive: it can only lose
    checked = taken * (confidence.max(axis=1) > 0.5)
    assert (taken.mean(), checked.mean()) == (1, 0.5)


def test_p4_permutes_labels_but_not_confidences(confident):
    confidence, right = confident
    order = [2, 0, 1]
    choice = confidence.argmax(axis=1)
    assert right[np.arange(4), choice].mean() == 1
    assert right[:, order][np.arange(4), choice].mean() == 0
    # both permuted, nothing changes, whatever the order: what check_column_order promises
    both = confidence[:, order].argmax(axis=1)
    assert right[:, order][np.arange(4), both].mean() == 1


# RouterEval ----------------------------------------------------------------------------------


@pytest.fixture
def routereval_table():
    return published("routereval")


def test_mixed_oracle_has_a_closed_form(routereval_table):
    mu = routereval_table.pivot_table("mu", ["m", "benchmark"], "router")
    assert len(mu) == 24
    for row in mu.itertuples():
        # three figures rounded to .01 each
        expected = routereval.mixed_oracle(row.Oracle, row.Random, 0.5)
        assert row._8 == pytest.approx(expected, abs=0.0101), row.Index
    means = mu.groupby("m").mean().loc[[3, 5], ["Oracle", "r_o(.5)", "Random"]]
    expected = [[0.785, 0.660, 0.534], [0.838, 0.676, 0.517]]
    np.testing.assert_allclose(means, expected, atol=6e-4)


def test_value_over_reference_follows_from_the_score(routereval_table):
    for row in routereval_table.itertuples():
        reference = routereval.STRONG_REFERENCE[row.benchmark.replace("MATH Lvl 5", "MATH")]
        found = routereval.value_over_reference(row.mu, reference)
        assert row.v_r == pytest.approx(found, abs=0.005 / reference + 0.0051), row


def test_uniform_choice_has_the_largest_entropy(routereval_table):
    for m, rows in routereval_table.groupby("m"):
        random = rows.loc[rows["router"] == "Random", "entropy"]
        uniform = routereval.question_entropy(np.full((1, m), 1 / m))
        # 1.585 bits at m = 3 are printed as 1.59
        np.testing.assert_allclose(random, uniform, atol=0.0055)
        assert rows["entropy"].max() == random.max()


# Model-SAT, table 1 --------------------------------------------------------------------------

SMALLER_SCALE = [
    "InternLM2.5",
    "Llama-3-8B-Instruct",
    "Qwen2-7B-Instruct",
    "GLM-4",
    "Phi-3-Small-128K",
]


@pytest.fixture
def table1():
    return published("model_sat_table1").set_index("router")


def test_five_printed_means_are_not_the_means_of_their_rows(table1):
    means = table1.drop(columns="mean_printed").mean(axis=1)
    off = (means - table1["mean_printed"]).abs() > 0.0075
    assert list(table1.index[off]) == SMALLER_SCALE
    found = means[SMALLER_SCALE].round(2)
    assert list(found) == [66.56, 65.11, 68.09, 68.57, 71.17]


def test_gains_over_the_best_llm_of_each_dataset(table1):
    scores = table1.drop(columns="mean_printed")

    def gains(router, llms):
        return list((scores.loc[router] - scores.loc[llms].max()).round(2))

    best = scores.loc[SMALLER_SCALE].max()
    np.testing.assert_allclose(best, scores.loc["best of the five per data set"])
    small = gains("MODEL-SAT Smaller-Scale", SMALLER_SCALE)
    assert small == [3.96, 1.02, 1.45, 0.03, 0.50, 0.74, 0.15]
    assert np.mean(small) == pytest.approx(1.12, abs=0.005)
    high = ["Llama-3-70B-Instruct", "Qwen2-72B-Instruct", "Mixtral-8x22B-Instruct"]
    found = gains("MODEL-SAT High-Performance", high)
    assert found == [1.85, 2.60, 0.95, 0.12, 1.21, 3.93, 0.69]


def test_the_printed_random_row_is_one_draw(table1):
    scores = table1.drop(columns="mean_printed")
    analytic = scores.loc[SMALLER_SCALE].mean()
    expected = [69.96, 77.74, 64.30, 80.25, 57.12, 74.12, 51.80]
    np.testing.assert_allclose(analytic, expected, atol=0.0075)
    off = (scores.loc["Random selection"] - analytic).abs()
    assert off.max() > 1.3  # MRPC: 408 questions
    assert off.min() > 0.07


# Model-SAT, figure 5: sixty llms arrive ------------------------------------------------------


@pytest.fixture
def figure5():
    return published("model_sat_figure5").set_index("step")


@pytest.fixture
def zoo_means(figure5):
    score = dict(zip(figure5["llm"], figure5["arc_c"], strict=True))
    zoos = arrival_zoos(list(figure5["llm"]), figure5["arc_c"].to_numpy())
    return pd.Series([np.mean([score[llm] for llm in zoo]) for zoo in zoos], figure5.index)


def test_zoos_of_the_first_arrivals(figure5):
    zoos = arrival_zoos(list(figure5["llm"]), figure5["arc_c"].to_numpy())
    assert zoos[0] == ("bloom-3b",)
    assert zoos[1] == ("bloom-3b", "bloom-7b1")
    assert zoos[2] == ("bloom-7b1", "bloom-3b", "bloomz-3b")
    # chatglm2-6b, the weakest so far, is there when it arrives and gone after vicuna did
    assert zoos[4][-1] == "chatglm2-6b"
    assert len(zoos[5]) == 6
    assert "chatglm2-6b" in zoos[5]
    assert "chatglm2-6b" not in zoos[6]
    # equal scores: the earlier first
    assert zoos[59][3:5] == ("zephyr-7b-beta", "phi-3-mini-128k-instruct")
    assert all(len(zoo) == 6 for zoo in zoos[5:])
    assert [zoo[-1] for zoo in zoos] == list(figure5["llm"])


def test_zoo_and_pool_means_of_sixty_arrivals(figure5, zoo_means):
    np.testing.assert_allclose(zoo_means, figure5["zoo_mean"], atol=0.0501)
    pool = figure5["arc_c"].expanding().mean()
    np.testing.assert_allclose(pool, figure5["pool_mean"], atol=0.0501)
    assert zoo_means.loc[2:].mean() == pytest.approx(57.2, abs=0.05)
    assert zoo_means.loc[48:].mean() == pytest.approx(64.6, abs=0.05)
    assert zoo_means.loc[60] == pytest.approx(67.0, abs=0.05)


def test_best_curve_is_the_running_maximum(figure5):
    best = figure5["arc_c"].cummax()
    np.testing.assert_allclose(figure5["best"], best, atol=0.15)  # read off a figure
    steps = [35.32, 39.76, 42.66, 53.92, 57.85, 62.63, 63.99, 71.08]
    assert list(best.unique()) == steps


def test_averages_over_arrivals(figure5):
    curves = ["model_sat", "best", "roberta_mlp", "bge", "random"]
    found = figure5.loc[2:, curves].mean()
    np.testing.assert_allclose(found, [65.43, 62.64, 57.95, 55.70, 46.66], atol=0.006)
    lead = (figure5["model_sat"] - figure5["best"]).loc[2:]
    assert lead.mean() == pytest.approx(2.8, abs=0.05)
    assert lead.loc[48:].mean() == pytest.approx(3.3, abs=0.05)
    assert list(lead.index[lead < 0]) == [4, 6, 7, 47]


def test_the_random_curve_was_drawn_on_another_zoo(figure5, zoo_means):
    random, pool = figure5["random"].loc[2:], figure5["arc_c"].expanding().mean().loc[2:]
    assert (random - pool).mean() == pytest.approx(0.01, abs=0.005)
    assert (random - pool).abs().mean() < 1
    off = random - zoo_means.loc[2:]
    assert off.mean() == pytest.approx(-10.6, abs=0.05)
    # against random choice among the declared candidates
    lead = figure5.loc[2:, ["roberta_mlp", "bge", "model_sat"]].sub(zoo_means.loc[2:], axis=0)
    np.testing.assert_allclose(lead.mean(), [0.7, -1.5, 8.2], atol=0.05)


@pytest.mark.parametrize(
    ("names", "scores", "keep", "message"),
    [
        (["a", "b", "a"], [1, 2, 3], 5, "each llm once"),
        (["a", "b"], [1], 5, "one known score for each of 2"),
        (["a", "b"], [1, np.nan], 5, "1 NaN"),
        (["a", "b"], [1, 2], 0, "'keep'"),
    ],
)
def test_arrivals_that_make_no_sense_are_refused(names, scores, keep, message):
    with pytest.raises(ValueError, match=message):
        arrival_zoos(names, scores, keep)


# LLMRouterBench ------------------------------------------------------------------------------


@pytest.fixture
def small_pool():
    return published("llmrouterbench_small").set_index("llm")


def test_references_of_the_small_pool(small_pool):
    assert small_pool.shape == (20, 15)
    means = small_pool.mean(axis=1)
    assert means.idxmax() == "Qwen3-8B"
    assert means.max() == pytest.approx(69.23, abs=0.005)
    assert small_pool.max().mean() == pytest.approx(73.15, abs=0.005)  # best llm of each dataset
    assert small_pool.to_numpy().mean() == pytest.approx(48.32, abs=0.005)


def test_gains_of_the_dataset_oracle_depend_on_how_ratios_are_averaged(small_pool):
    oracle, single, random = small_pool.max(), small_pool.loc["Qwen3-8B"], small_pool.mean()

    def both(reference):
        of_means = llmrouterbench.gain(oracle.mean(), reference.mean())
        return llmrouterbench.gain(oracle, reference).mean(), of_means

    assert both(single) == pytest.approx((0.065, 0.057), abs=5e-4)
    assert both(random) == pytest.approx((0.583, 0.514), abs=5e-4)
    # the source prints 8.3 % and 69.3 %, on test splits of its own: neither


def test_printed_gaps_share_one_oracle():
    printed = {61.33: 33.3, 71.24: 22.8, 70.29: 23.7, 71.88: 22.1, 71.94: 22.0, 73.10: 20.7}
    for accuracy, gap in printed.items():
        found = llmrouterbench.gap_to_oracle(accuracy, 92.2)
        assert 100 * found == pytest.approx(gap, abs=0.25)
