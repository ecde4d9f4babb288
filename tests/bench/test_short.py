"""``python -m xpnet bench`` on tiny workloads."""

from __future__ import annotations

import pytest
from test_progress import terminal

import xpnet
from xpnet.bench import short
from xpnet.bench.workloads import Softmax, Step
from xpnet.cli import main


@pytest.fixture(autouse=True)
def _tiny(monkeypatch):
    monkeypatch.setattr(short, "_WORKLOADS", [Softmax(2, 3), Step(2, 4, 3, 2)])


@pytest.mark.filterwarnings("ignore")  # of libraries that happen to be installed
def test_everybody_is_in_the_table(capsys):
    assert main(["bench", "--seconds", "0.01"]) == 0
    shown = capsys.readouterr().out
    for row in ("softmax 2x3", "training step 4-3-2 batch 2", "limit", "book float64", "book32"):
        assert row in shown
    assert shown.count("\n  xpnet numpy ") >= 2


@pytest.mark.filterwarnings("ignore")
def test_backend_is_a_choice(capsys):
    assert main(["bench", "--seconds", "0.01", "--backend", "array_api_strict"]) == 0
    assert "xpnet array_api_strict " in capsys.readouterr().out
    assert xpnet.get_backend().name == "numpy"


@pytest.mark.filterwarnings("ignore")
def test_wrong_results_are_shown_and_change_the_status(monkeypatch, capsys):
    monkeypatch.setattr("xpnet.bench.book.softmax", lambda x: x)
    assert main(["bench", "--seconds", "0.01"]) == 1
    assert "WRONG: softmax 2x3, xpnet numpy: " in capsys.readouterr().out


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "soon"])
def test_seconds_are_positive(seconds, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["bench", "--seconds", seconds])
    assert stopped.value.code == 2
    assert "--seconds" in capsys.readouterr().err


def test_unknown_backend_is_an_error(capsys):
    assert main(["bench", "--backend", "nump"]) == 2
    assert "nump" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore")
def test_on_a_terminal_there_is_progress(capsys):
    with terminal() as screen:
        assert main(["bench", "--seconds", "0.01"]) == 0

    assert "measuring:   0%" in screen.getvalue()
    assert screen.lines()[-2].startswith("measuring: 100%")
    assert "measuring" not in capsys.readouterr().out
