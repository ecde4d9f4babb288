"""The progress line: tqdm's or a plain one, on a terminal only."""

from __future__ import annotations

import errno
import io
import subprocess
import sys
from contextlib import redirect_stderr

import pytest

from xpnet import progress as module
from xpnet.progress import progress


class Screen(io.StringIO):
    """A terminal to write on."""

    def isatty(self):
        return True

    def lines(self):
        """Return what stands there after all carriage returns."""
        return [
            line.rpartition("\r")[2].removeprefix("\x1b[K") for line in self.getvalue().split("\n")
        ]


def terminal():
    # Not a fixture: pytest puts its own stderr in place after the fixtures are set up.
    return redirect_stderr(Screen())


@pytest.fixture(params=["tqdm", "plain"])
def kind(request, monkeypatch):
    if request.param == "tqdm":
        pytest.importorskip("tqdm")
    else:
        monkeypatch.setitem(sys.modules, "tqdm", None)
    return request.param


@pytest.fixture
def plain(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(module, "_SECONDS_BETWEEN_LINES", 0)


def test_off_a_terminal_there_is_no_progress_but_what_is_written(kind, capsys):
    with progress(3, "counting") as line:
        line.update()
        line.write("one third")
        line.update(2)

    assert capsys.readouterr() == ("one third\n", "")


def test_on_a_terminal_the_last_line_tells_that_all_is_done(kind):
    with terminal() as screen, progress(3, "counting") as line:
        line.update()
        line.update(2)

    last = screen.lines()[-2]
    assert last.startswith("counting: 100%")
    assert "3/3" in last
    assert screen.lines()[-1] == ""  # what follows begins on a line of its own


def test_on_a_terminal_the_line_tells_the_share(kind):
    with terminal() as screen, progress(200, "counting") as line:
        line.update(50)

    assert "counting:  25%" in screen.getvalue()
    assert "50/200" in screen.getvalue()


def test_tqdm_is_used_where_it_is_installed():
    tqdm = pytest.importorskip("tqdm")

    with terminal(), progress(3, "counting") as line:
        assert isinstance(line, tqdm.tqdm)


def test_a_plain_line_is_rewritten_in_place(plain):
    with terminal() as screen, progress(4, "counting") as line:
        line.update()
        line.update()

    assert [text for text in screen.getvalue().split("\r\x1b[K") if text] == [
        "counting:  25% 1/4 it",
        "counting:  50% 2/4 it",
        "counting:  50% 2/4 it\n",
    ]


def test_a_plain_line_makes_way_for_text(plain, capsys):
    with terminal() as screen, progress(4, "counting") as line:
        line.update()
        line.write("one")

    assert capsys.readouterr().out == "one\n"
    assert screen.getvalue().startswith("\r\x1b[Kcounting:  25% 1/4 it\r\x1b[K\r\x1b[Kcounting:")


def test_a_plain_line_is_not_written_at_every_step(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])

    with terminal() as screen, progress(1000, "counting") as line:
        for _ in range(1000):
            now[0] += 0.001
            line.update()

    assert 5 <= screen.getvalue().count("counting:") <= 15
    assert screen.lines()[-2] == "counting: 100% 1000/1000 it"


def test_bytes_are_shown_in_megabytes(plain):
    with terminal() as screen, progress(9_912_422, "data", unit="B") as line:
        line.update(5_000_000)

    assert screen.lines()[-2] == "data:  50% 5/10 MB"


def test_nothing_to_do_is_no_division_by_zero(kind):
    with terminal() as screen, progress(0, "counting"):
        pass

    assert "counting" in screen.getvalue()


def test_an_error_inside_goes_out(kind):
    with pytest.raises(ZeroDivisionError), progress(3, "counting"):
        raise ZeroDivisionError


class Broken(Screen):
    """A terminal that takes nothing any more."""

    error = OSError(errno.ENOSPC, "No space left on device")

    def write(self, text):
        raise self.error

    def flush(self):
        raise self.error


class Gone(Broken):
    error = BrokenPipeError(errno.EPIPE, "Broken pipe")


class HungUp(Broken):
    error = OSError(errno.EIO, "Input/output error")


def closed():
    screen = Screen()
    screen.close()
    return screen


STREAMS = {"none": lambda: None, "closed": closed, "full": Broken, "gone": Gone, "hung up": HungUp}


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("at", ["the start", "the first step"])
def test_a_job_goes_on_without_its_progress(kind, stream, at, capsys):
    bad = STREAMS[stream]()
    good = Screen()
    with redirect_stderr(bad if at == "the start" else good), progress(3, "counting") as line:
        if at != "the start" and bad:
            good.write, good.flush = bad.write, bad.flush
        line.update()
        line.write("one third")
        line.update(2)

    assert capsys.readouterr().out == "one third\n"


@pytest.mark.parametrize("error", [OSError(errno.EBADF, "Bad file descriptor"), ValueError()])
def test_a_stream_that_does_not_know_what_it_is_is_no_terminal(kind, error, capsys):
    class Strange(Broken):
        def isatty(self):
            raise error

    with redirect_stderr(Strange()), progress(3, "counting") as line:
        line.update(3)


def test_what_is_written_above_the_progress_is_not_lost_in_silence(kind, monkeypatch):
    monkeypatch.setattr(sys, "stdout", Broken())

    with pytest.raises(OSError, match="No space left"), terminal(), progress(3, "counting") as line:
        line.write("one third")


def test_tqdm_is_not_imported_where_nothing_is_shown():
    pytest.importorskip("tqdm")
    code = (
        "from xpnet.progress import progress; import sys\n"
        "with progress(1, 'counting') as line: line.update()\n"
        "print('tqdm' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert (done.stdout, done.stderr) == ("False\n", "")
