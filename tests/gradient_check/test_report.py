"""What a report says, and that its numbers can be reproduced from it."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet
from xpnet.gradient_check import GradientReport, check_gradients
from xpnet.gradient_check.draws import random_direction

X = np.asarray([[1.0, -2.0, 0.5], [3.0, 4.0, -1.5]])


def doubled(x):
    return x * x, lambda dout: 4 * x * dout


def one_entry_wrong(x):
    factor = np.ones_like(x)
    factor[1, 2] = 3.0
    return x * x, lambda dout: 2 * x * dout * factor


def test_a_right_layer_has_a_line_for_every_array():
    report = check_gradients(xpnet.Affine.random(3, 2, seed=0), X)

    assert report
    assert [v.name for v in report.verdicts] == ["x", "W", "b"]
    assert all(v.judgement == "right" and v.error <= v.allowed < 1e-5 for v in report.verdicts)
    head, columns, *lines = str(report).splitlines()
    assert head == "Affine, directional, seed=0: right"
    assert columns.split() == ["verdict", "analytic", "numeric", "error", "allowed", "seed"]
    assert [line.split()[:2] for line in lines] == [["x", "right"], ["W", "right"], ["b", "right"]]
    assert repr(report) == str(report)


def test_a_wrong_gradient_comes_with_both_numbers():
    verdict = check_gradients(doubled, X)["x"]

    assert not verdict
    assert verdict.judgement == "wrong"
    assert verdict.analytic == pytest.approx(2 * verdict.numeric)
    assert verdict.error == pytest.approx(0.5)


def test_the_numbers_follow_from_the_direction_and_the_upstream_gradient():
    verdict = check_gradients(doubled, X, seed=3)["x"]

    assert verdict.numeric == pytest.approx(np.sum(2 * X * verdict.dout * verdict.direction))
    assert verdict.seed == (3, 1)
    np.testing.assert_array_equal(verdict.direction, random_direction(verdict.seed, X))


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_nothing_drawn_is_what_a_user_draws(seed):
    x = np.ones((4, 5))
    verdict = check_gradients(doubled, x, seed=seed)["x"]

    generators = [np.random.default_rng(s) for s in (seed, (seed,), (seed, 0), (seed, 1))]
    drawn_by_users = [rng.choice([-1.0, 1.0], x.shape) for rng in generators]
    drawn = [verdict.dout, verdict.direction]
    for ours in drawn:
        assert not any(np.array_equal(np.sign(ours), theirs) for theirs in drawn_by_users)
    assert not np.array_equal(*map(np.sign, drawn))


def test_the_same_seed_gives_the_same_report_and_another_seed_another():
    first, again, other = (str(check_gradients(doubled, X, seed=seed)) for seed in (5, 5, 6))

    assert first == again != other


def test_full_mode_names_the_wrong_entries():
    verdict = check_gradients(one_entry_wrong, X, mode="full")["x"]

    (entry,) = verdict.wrong_entries
    assert entry.index == (1, 2)
    assert entry.analytic == pytest.approx(3 * entry.numeric)
    assert str(entry).startswith("[1, 2]: ")


def test_the_table_lists_a_few_wrong_entries_and_counts_all():
    report = check_gradients(doubled, X, mode="full")

    assert len(report["x"].wrong_entries) == X.size
    assert "x: 6 entries are wrong" in str(report)
    assert str(report).count(" instead of ") == 5


def test_a_kink_is_named_and_no_fault():
    for mode in ("directional", "full"):
        report = check_gradients(xpnet.ReLU(), np.asarray([0.0, 1.0, -1.0, 0.0]), mode=mode)

        assert report
        assert report["x"].judgement == "kink"
        assert "judged a little beside" in str(report)


def test_labels_without_a_gradient_are_no_fault():
    t = np.full((2, 3), 1 / 3)

    report = check_gradients(xpnet.SoftmaxWithLoss(), X, t)

    assert report
    assert report["t"].judgement == "not returned"


def test_nothing_judged_is_not_right():
    report = GradientReport("f", "full", 0, ())

    assert not report
    assert str(report).startswith("f, full, seed=0: nothing was judged")


def test_two_findings_about_one_array_share_a_line():
    def wrong_twice(x):
        def backward(dout):
            dout *= 3
            return dout

        return x * 1, backward

    report = check_gradients(wrong_twice, X)

    assert [(v.name, v.judgement) for v in report.verdicts] == [("x", "wrong"), ("dout", "changed")]
    assert "dout: backward writes to it" in str(report)


@pytest.mark.parametrize(
    ("function", "name", "judgement", "words"),
    [
        (lambda x: (x * 1, lambda _: np.ones(3)), "x", "shape", "shape (3,), but the array (2, 3)"),
        (lambda x: (x * 1, lambda d: d * np.nan), "x", "not finite", "6 of 6 entries"),
        (lambda x: (x * np.nan, lambda d: d), "output", "not finite", "6 of 6 entries are NaN"),
        (lambda x: (x * 1, lambda _: None), "x", "missing", ""),
        (lambda x: (x * 1, lambda d: (d, d)), "backward", "shape", "2 gradients, but there are 1"),
    ],
)
def test_what_is_not_even_a_gradient_is_named(function, name, judgement, words):
    report = check_gradients(function, X)

    assert not report
    assert report[name].judgement == judgement
    assert words in str(report)


def test_an_unknown_name_is_a_key_error():
    with pytest.raises(KeyError, match="W"):
        check_gradients(doubled, X)["W"]
