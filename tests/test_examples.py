"""Every example runs as a script, and prints what its reader expects."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(script, *args):
    """Return what an example prints; a warning is an error in it, too."""
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / script, *args],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return done.stdout


def named_numbers(lines):
    return {name: float(number) for name, number in re.findall(r"^([\w.]+): (\S+)$", lines, re.M)}


def test_all_examples_are_tested():
    tested = re.findall(r'run\("(\w+\.py)"', Path(__file__).read_text(encoding="utf-8"))

    assert {path.name for path in EXAMPLES.glob("*.py")} == set(tested)


def test_apple_orange():
    assert run("apple_orange.py").splitlines() == [
        "price: 715.0",
        "dApple_num: 110",
        "dApple: 2.2",
        "dOrange: 3.3",
        "dOrange_num: 165",
        "dTax: 650",
    ]


def test_gradient_check():
    differences = named_numbers(run("gradient_check.py"))

    assert list(differences) == ["W1", "b1", "W2", "b2"]
    # None is 0 either: a gradient that is held against itself proves nothing.
    assert all(0 < difference < 1e-9 for difference in differences.values()), differences


def test_train_mnist():
    printed = run("train_mnist.py").splitlines()

    assert printed[0] == "numpy"
    accuracies = [re.fullmatch(r"train acc, test acc \| (.+), (.+)", row) for row in printed[1:]]
    first, last = (list(map(float, row.groups())) for row in (accuracies[0], accuracies[-1]))
    assert len(accuracies) == 36  # 500 steps, and one line in 14
    assert max(first) < 0.5
    assert min(last) > 0.95


def test_train_mnist_on_another_backend():
    pytest.importorskip("array_api_strict")

    printed = run("train_mnist.py", "--backend", "array_api_strict").splitlines()

    there = printed.index("array_api_strict")
    on_numpy, on_other, summary = printed[1:there], printed[there + 1 : -1], printed[-1]
    assert len(on_numpy) == len(on_other) == 36
    difference = re.fullmatch(r"the losses of 500 steps differ by at most (\S+)", summary)[1]
    assert float(difference) < 1e-5


def test_custom_layer():
    printed = run("custom_layer.py")

    faulty, right = printed.index("FirstTanh fails\n"), printed.index("Tanh passes\n")
    assert "arguments unchanged: backward changes dout (numpy" in printed[faulty:right]
    in_a_net = printed[right:]
    assert "Sequential(Affine1, Tanh1, Affine2; SoftmaxWithLoss)" in in_a_net
    differences = named_numbers(in_a_net)
    assert list(differences) == ["Affine1.W", "Affine1.b", "Affine2.W", "Affine2.b"]
    assert all(0 < difference < 1e-9 for difference in differences.values()), differences
