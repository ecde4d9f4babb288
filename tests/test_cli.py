"""The command line: what it prints, where, and with which exit status it ends."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from optimizers.catalog import OPTIMIZERS

import xpnet
from xpnet import cli
from xpnet.backends import adapter_by_name
from xpnet.cli import main
from xpnet.dispatch import providers_of
from xpnet.ops.op import OPS
from xpnet.training import History, train

EPOCH = r"epoch +\d+  loss \d\.\d{4}  train accuracy +[\d.]+%  test accuracy +[\d.]+%"
LAST = r"after (\d+) steps: train accuracy ([\d.]+)%, test accuracy ([\d.]+)%; [\d.]+ ms per step"

full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device /dev/full")
on_posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and terminals")


def printed(capsys, *args):
    """Run a command that succeeds, and return its output without the time of a step."""
    assert main(args) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return re.sub(r"[\d.]+ ms per step", "", out)


def test_without_a_command_the_help_is_shown(capsys):
    out = printed(capsys)

    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert (ended.value.code, capsys.readouterr().out) == (0, out)
    for word in ("info", "train", "bench", "check", "exit status: 0"):
        assert word in out


# info ----------------------------------------------------------------------------------------


def test_info_names_every_backend_and_why_one_cannot_be_used(capsys):
    out = printed(capsys, "info")

    assert out.startswith(f"xpnet {xpnet.__version__}, Python {sys.version.split()[0]}")
    assert f"current backend: {xpnet.get_backend()}" in out
    for name, status in xpnet.available_backends().items():
        (line,) = [line for line in out.splitlines() if line.split()[0] == name]
        if status.available:
            assert line.split() == [name, status.version, "on", *status.device.split()]
        else:
            assert line.split() == [name, "not", "usable"]
            assert status.reason in out


def kernel_lines(out):
    """Return what is said of each usable backend below its name: subjects, each with its text."""
    said = {}
    for line in out.splitlines()[2:]:
        if not line.startswith(" " * 20):
            below = said[line.split()[0]] = []
        elif line.startswith(" " * 24):
            below[-1] += f" {line.strip()}"
        else:
            below.append(line.strip())
    return {
        name: dict(line.split(": ", 1) for line in below)
        for name, below in said.items()
        if xpnet.available_backends()[name].available
    }


def in_a_new_process(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    ).stdout


INFO = "from xpnet.cli import main; main(['info'])"
KERNEL_OPS = {*OPS}


def assert_each_op_is_told_once(said):
    """Hold what is said of one backend against itself: each op has kernels, or is generic."""
    generic = said["generic ops"]
    ops = [
        op
        for subject, text in said.items()
        if subject.startswith("kernels of ") and " after " not in subject
        for op in text.split(", ")
    ]
    ops += [] if generic == "all" else generic.split(", ")
    assert sorted(ops) == sorted(set(ops))
    assert set(ops) == (KERNEL_OPS if generic != "all" else set())


def test_info_tells_for_each_op_which_kernels_run_and_which_come_after_them(capsys):
    said = kernel_lines(printed(capsys, "info"))

    assert said.keys() >= {"numpy"}
    for name, lines in said.items():
        expected, taken = {}, set()
        for provider in providers_of(adapter_by_name(name)):
            if provider.reason is not None:
                expected[f"no kernels of {provider.name}"] = provider.reason
            for op in sorted(provider.kernels):
                after = " after numba" if op in taken else ""  # the one that others follow
                expected.setdefault(f"kernels of {provider.name}{after}", []).append(op)
            taken |= provider.kernels.keys()
        expected["generic ops"] = sorted(KERNEL_OPS - taken) if taken else "all"
        assert lines == {
            subject: told if isinstance(told, str) else ", ".join(told)
            for subject, told in expected.items()
        }
        assert_each_op_is_told_once(lines)


def test_info_tells_that_a_backend_without_kernels_runs_the_generic_ops(capsys):
    pytest.importorskip("array_api_strict")

    assert kernel_lines(printed(capsys, "info"))["array_api_strict"] == {"generic ops": "all"}


def test_info_tells_that_kernels_are_switched_off():
    said = kernel_lines(in_a_new_process(INFO, XPNET_KERNELS="off"))

    for name, lines in said.items():
        modules = [module.rpartition(".")[2] for module in adapter_by_name(name).kernels]
        assert lines == {
            **{f"no kernels of {module}": "XPNET_KERNELS is 'off'" for module in modules},
            "generic ops": "all",
        }


def test_info_tells_what_runs_where_one_provider_is_chosen():
    lines = kernel_lines(in_a_new_process(INFO, XPNET_KERNELS="numpy"))["numpy"]

    assert lines["no kernels of numba"] == "XPNET_KERNELS is 'numpy'"
    assert {"softmax", "relu"} <= set(lines["kernels of numpy"].split(", "))
    assert {"log_softmax", "affine_relu"} <= set(lines["generic ops"].split(", "))
    assert_each_op_is_told_once(lines)


def test_info_tells_that_numba_is_missing_and_what_runs_instead():
    code = f"import sys; sys.modules['numba'] = None; {INFO}"

    lines = kernel_lines(in_a_new_process(code, XPNET_KERNELS="numba,numpy"))["numpy"]

    reason = 'numba is not installed; install it with: pip install "xpnet[numba]"'
    assert lines["no kernels of numba"] == reason
    assert {"softmax", "relu"} <= set(lines["kernels of numpy"].split(", "))
    assert {"log_softmax", "affine_relu"} <= set(lines["generic ops"].split(", "))
    assert_each_op_is_told_once(lines)


def test_version(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out == f"xpnet {xpnet.__version__}\n"


# train ---------------------------------------------------------------------------------------


def test_train_learns_digits(capsys):
    out = printed(capsys, "train", "--iterations", "300", "--lr", "0.5", "--seed", "3")

    head, home, *epochs, last = out.splitlines()
    assert head == (
        "digits: 1438 training and 359 test samples; sizes 64-50-10, batch 100, sgd, lr 0.5, seed 3"
    )
    assert home == f"numpy {xpnet.available_backends()['numpy'].version} on cpu, float32"
    net = xpnet.TwoLayerNet(64, 50, 10, seed=3)
    digits = xpnet.datasets.load_digits()
    history = train(net, xpnet.SGD(lr=0.5), *digits, iterations=300, seed=3)
    assert epochs == [str(epoch) for epoch in history.epochs]
    reached = history.epochs[-1]
    assert last == (
        f"after 300 steps: train accuracy {reached.train_accuracy:.2%}, "
        f"test accuracy {reached.test_accuracy:.2%}; "
    )
    assert min(reached.train_accuracy, reached.test_accuracy) > 0.9


def test_the_defaults_learn_digits(capsys):
    last = printed(capsys, "train").splitlines()[-1]

    assert last.startswith("after 1500 steps")
    assert float(re.search(r"test accuracy ([\d.]+)%", last)[1]) > 90


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_can_be_chosen_and_has_its_own_rate(name, capsys):
    out = printed(capsys, "train", "--iterations", "60", "--optimizer", name.lower())

    kind = OPTIMIZERS[name].kind
    optimizer = kind(lr=0.1) if name == "SGD" else kind()
    assert f", {name.lower()}, lr {optimizer.lr}, " in out
    net = xpnet.TwoLayerNet(64, 50, 10, seed=0)
    history = train(net, optimizer, *xpnet.datasets.load_digits(), iterations=60, seed=0)
    assert out.splitlines()[2:-1] == [str(epoch) for epoch in history.epochs]


def test_options_reach_the_net_and_the_loop(capsys):
    out = printed(
        capsys,
        "train",
        "--iterations",
        "7",
        "--hidden",
        "8",
        "--batch",
        "500",
        "--dtype",
        "float64",
    )

    assert "sizes 64-8-10, batch 500, sgd, lr 0.1" in out
    assert "on cpu, float64" in out
    assert len(re.findall(EPOCH, out)) == 3  # of 3 steps each


def test_the_same_seed_prints_the_same(capsys):
    args = ("train", "--iterations", "20", "--lr", "0.5")

    first, again = (printed(capsys, *args, "--seed", "1") for _ in range(2))
    other = printed(capsys, *args, "--seed", "2")

    assert first == again
    assert first.splitlines()[2:] != other.splitlines()[2:]


def test_another_backend_prints_the_same_but_for_its_name(capsys):
    pytest.importorskip("array_api_strict")
    args = ("train", "--iterations", "20", "--lr", "0.5")

    here = printed(capsys, *args).splitlines()
    there = printed(
        capsys, *args, "--backend", "array_api_strict", "--device", "device1"
    ).splitlines()

    assert there[1].startswith("array_api_strict ")
    assert "device1" in there[1]
    # The last digit that is printed may round the other way.
    numbers = [
        [float(n) for line in out[2:] for n in re.findall(r"\d+\.\d+", line)]
        for out in (here, there)
    ]
    assert numbers[0] == pytest.approx(numbers[1], abs=1e-4)


def test_the_selected_backend_is_the_default_and_stays_selected(capsys):
    selected = xpnet.set_backend("numpy", dtype="float64")

    out = printed(capsys, "train", "--iterations", "2")
    assert "on cpu, float64" in out

    printed(capsys, "train", "--iterations", "2", "--backend", "numpy", "--dtype", "float32")
    assert xpnet.get_backend() == selected


def test_the_help_tells_every_default_once(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])

    options = re.split(r"\n  --", capsys.readouterr().out)[1:]
    assert len(options) == 10
    for option in options:
        assert option.count("default: ") == 1, option
        assert "None" not in option


# Mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--backend", "nonsense"], "unknown backend 'nonsense'"),
        (["--device", "nowhere"], "nowhere"),
        (["--dtype", "int32"], "dtype 'int32'"),
        (["--lr", "-1"], "SGD: lr is -1.0"),
        (["--lr", "nan"], "SGD: lr is nan"),
        (["--optimizer", "adam", "--lr", "-1"], "Adam: lr is -1.0"),
        (["--seed", "-1"], "-1"),
    ],
)
def test_a_value_that_cannot_be_is_status_2_and_one_line(args, says, capsys):
    assert main(["train", *args]) == 2

    err = capsys.readouterr().err
    assert err.startswith("xpnet: error: ")
    assert says in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["fly"], "invalid choice: 'fly'"),
        (["train", "--data", "cats"], "invalid choice: 'cats'"),
        (["train", "--optimizer", "magic"], "invalid choice: 'magic'"),
        (["train", "--batch", "0"], "argument --batch: '0' is no positive integer"),
        (["train", "--batch", "000"], "argument --batch: '000' is no positive integer"),
        (["train", "--batch", "\u0663"], "is no positive integer"),
        (
            ["train", "--hidden", "1" * 5000],
            "1' is too large; it must be less than 1000000000000000",
        ),
        (["train", "--iterations", "1" + "0" * 15], "argument --iterations: '1000000000000000' is"),
        (["bench", "--seconds", "soon"], "--seconds: 'soon' is no positive number of seconds"),
        (["bench", "--seconds", "nan"], "--seconds: 'nan' is no positive number of seconds"),
        (["bench", "--seconds", "0"], "--seconds: '0' is no positive number of seconds"),
        (["train", "--hidden", "-3"], "argument --hidden: '-3' is no positive integer"),
        (["train", "--iterations", "many"], "argument --iterations: 'many' is no positive integer"),
        (["train", "--lr", "fast"], "argument --lr: invalid float value: 'fast'"),
    ],
)
def test_an_argument_that_cannot_be_read_is_status_2_and_the_usage(args, says, capsys):
    with pytest.raises(SystemExit) as ended:
        main(args)

    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("usage: xpnet")
    assert says in err


def error_line(capsys, *args):
    """Run a command that fails, and return the one line that it prints on stderr."""
    assert main(args) == 2
    err = capsys.readouterr().err
    assert err.startswith("xpnet: error: ")
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize("option", ["--batch", "--iterations"])
def test_the_largest_numbers_are_no_error(option, capsys, monkeypatch):
    done = []
    monkeypatch.setattr(cli, "train", lambda *_, **settings: done.append(settings) or History())

    printed(capsys, "train", option, "9" * 15)

    assert 10**15 - 1 in done[0].values()


def test_what_does_not_fit_into_the_memory_is_status_2(capsys):
    line = error_line(capsys, "train", "--hidden", "999999999999999")

    assert "there is not enough memory for such sizes: Unable to allocate 455. PiB" in line


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 4 TiB"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 4 bytes"),
    ],
)
def test_a_library_says_in_its_own_way_that_memory_is_short(error, capsys, monkeypatch):
    def loader():
        raise error

    monkeypatch.setitem(cli._LOADERS, "digits", loader)

    line = error_line(capsys, "train")

    assert f"not enough memory for such sizes: {error or 'MemoryError'}" in line


def test_a_fault_of_our_own_is_not_dressed_up(monkeypatch):
    def faulty():
        msg = "a fault"
        raise RuntimeError(msg)

    monkeypatch.setitem(cli._LOADERS, "digits", faulty)

    with pytest.raises(RuntimeError, match="a fault"):
        main(["train"])


def test_an_error_says_which_variable_asked_for_it(capsys, monkeypatch):
    monkeypatch.setattr("xpnet.backend._process_default", None)
    monkeypatch.setenv("XPNET_BACKEND", "nonsense")

    line = error_line(capsys, "info")

    assert "unknown backend 'nonsense'" in line
    assert "The environment variable XPNET_BACKEND asks for this backend." in line


def test_an_error_does_not_steer_the_terminal(capsys, monkeypatch):
    def missing():
        msg = "a server said \x1b[2J\r"
        raise xpnet.DatasetError(msg)

    monkeypatch.setitem(cli._LOADERS, "digits", missing)

    assert error_line(capsys, "train") == "xpnet: error: a server said \\x1b[2J\\r\n"


def test_a_missing_data_set_is_status_2(capsys, monkeypatch):
    def missing():
        msg = "mnist: not found"
        raise xpnet.DatasetError(msg)

    monkeypatch.setitem(cli._LOADERS, "mnist", missing)

    assert main(["train", "--data", "mnist"]) == 2
    assert capsys.readouterr().err == "xpnet: error: mnist: not found\n"


@pytest.mark.parametrize(("data", "folder"), [("mnist", "mnist"), ("fashion", "fashion-mnist")])
def test_each_data_set_is_loaded_from_its_own_folder(data, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XPNET_DATA", str(tmp_path))
    damaged = tmp_path / folder / "train-images-idx3-ubyte"
    damaged.parent.mkdir()
    damaged.write_bytes(b"damaged")

    assert main(["train", "--data", data]) == 2
    assert capsys.readouterr().err.startswith(f"xpnet: error: {damaged} cannot be used: expected")


def test_ctrl_c_before_training_is_status_130(capsys, monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setitem(cli._LOADERS, "digits", interrupted)

    assert main(["train"]) == 130
    assert capsys.readouterr() == ("", "")


# Streams that cannot be written to -----------------------------------------------------------

COMMANDS = [
    [],
    ["--help"],
    ["--version"],
    ["info"],
    ["train", "--iterations", "1"],
    ["check", "--backend", "numpy"],
]
OUTPUT_FULL = "xpnet: error: the output cannot be written: No space left on device\n"


def status_of(args):
    try:
        return main(args)
    except SystemExit as ended:
        return ended.code


@full
@pytest.mark.parametrize("args", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("buffering", [1, -1], ids=["by line", "at the end"])
def test_a_full_disk_is_told_in_one_line(args, buffering, capsys, monkeypatch):
    with Path("/dev/full").open("w", buffering=buffering) as out:
        monkeypatch.setattr(sys, "stdout", out)

        assert status_of(args) == 2

        monkeypatch.undo()
    assert capsys.readouterr().err == OUTPUT_FULL


@full
@pytest.mark.parametrize("args", [["train", "--seed", "-1"], ["train", "--what"], ["fly"]])
def test_a_full_stderr_changes_no_status(args, monkeypatch):
    with Path("/dev/full").open("w", buffering=1) as err:
        monkeypatch.setattr(sys, "stderr", err)

        assert status_of(args) == 2


@pytest.mark.parametrize("args", COMMANDS, ids=" ".join)
def test_a_closed_stdout_is_told(args, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)

    assert status_of(args) == 2

    monkeypatch.undo()
    assert "standard output is closed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "status"),
    [*((args, 0) for args in COMMANDS), (["train", "--seed", "-1"], 2), (["fly"], 2)],
)
def test_a_closed_stderr_changes_neither_status_nor_output(args, status, capsys, monkeypatch):
    assert status_of(args) == status
    expected = capsys.readouterr().out
    monkeypatch.setattr(sys, "stderr", None)

    assert status_of(args) == status

    assert re.sub(TIMES, "", capsys.readouterr().out) == re.sub(TIMES, "", expected)


TIMES = r"[\d.]+ ms per step"


def test_what_a_terminal_cannot_show_is_escaped(monkeypatch):
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(cli, "_kernels", lambda _: ["\u00e9t\u00e9"])

    assert main(["info"]) == 0

    assert rb"\xe9t\xe9" in raw.getvalue()
    assert out.errors == "strict"  # as before


# As a process --------------------------------------------------------------------------------


def test_python_m_xpnet_ends_with_the_status_of_main():
    good = subprocess.run(
        [sys.executable, "-m", "xpnet", "--version"], capture_output=True, check=False
    )
    bad = subprocess.run(
        [sys.executable, "-m", "xpnet", "train", "--dtype", "int8"],
        capture_output=True,
        check=False,
    )

    assert (good.returncode, bad.returncode) == (0, 2)


@on_posix
def test_ctrl_c_ends_with_figures_and_status_130():
    # A process that a shell starts in the background ignores Ctrl-C, and its children do, too.
    listening = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = "import sys; from xpnet.cli import main; sys.exit(main(sys.argv[1:]))"
    with subprocess.Popen(
        [sys.executable, "-uc", f"{listening}; {command}", "train", "--iterations", "100000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        before = ""
        for line in process.stdout:
            before += line
            if re.match(EPOCH, line):
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert err == ""
    *_, epoch, interrupted, last = (before + out).splitlines()
    assert interrupted == "interrupted"
    assert re.fullmatch(EPOCH, epoch)
    reached = re.fullmatch(LAST, last)
    assert 0 < int(reached[1]) < 100_000
    assert f"train accuracy {reached[2] + '%':>7}  test accuracy {reached[3] + '%':>7}" in epoch


@on_posix
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_reader_that_goes_away_is_no_error(command):
    with subprocess.Popen(
        [sys.executable, "-m", "xpnet", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "XPNET_KERNELS": "off"},
    ) as process:
        process.stdout.close()
        err = process.stderr.read()

    assert (process.returncode, err) == (141, b"")


@full
@on_posix
@pytest.mark.parametrize(
    ("redirection", "args", "status", "says"),
    [
        (">/dev/full", "--help", 2, OUTPUT_FULL),
        (">&-", "--help", 2, "xpnet: error: nothing can be printed, because standard output is"),
        (">&- 2>&-", "--help", 2, ""),
        ("2>&-", "train --iterations 1", 0, "after 1 steps: "),
        ("2>&-", "train --dtype int8", 2, ""),
        ("2>/dev/full", "train --dtype int8", 2, ""),
        ("<&-", "train --iterations 1", 0, "after 1 steps: "),
    ],
)
def test_python_ends_as_quietly_as_main(redirection, args, status, says):
    ended = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -W error -m xpnet {args} {redirection}"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XPNET_KERNELS": "off"},
    )

    assert ended.returncode == status
    said = ended.stdout + ended.stderr
    assert said.count("\n") == (0 if not says else 4 if status == 0 else 1)
    assert says in said


@on_posix
@pytest.mark.parametrize("kind", ["tqdm", "plain"])
def test_on_a_terminal_the_progress_stands_below_the_epochs(kind, capsys):
    if kind == "tqdm":
        pytest.importorskip("tqdm")
        setup = "import sys"
    else:
        setup = "import sys; sys.modules['tqdm'] = None"
    args = ["train", "--iterations", "40", "--lr", "0.5"]

    raw, status = on_terminal(f"{setup}; from xpnet.cli import main; sys.exit(main({args}))")

    assert status == 0
    assert len(re.findall(r"training: +\d+%", raw)) >= 2
    lines = [line.rpartition("\r")[2].removeprefix("\x1b[K").rstrip() for line in raw.split("\r\n")]
    head, home, *epochs, progress, last, after = lines
    assert after == ""
    expected = printed(capsys, *args).splitlines()
    assert [head, home, *epochs] == expected[:-1]
    assert re.match(r"training: 100%.* 40/40", progress)
    assert re.fullmatch(LAST, last)


def on_terminal(code):
    """Run Python code whose output goes to a terminal; return what it showed, and its status."""
    import pty
    import termios

    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (25, 120))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # how Linux tells that the other end was closed
                part = b""
            if not part:
                break
            shown += part
    os.close(ours)
    return shown.decode(), process.returncode


def test_check_prints_a_table_and_no_reason_where_there_is_none(capsys):
    assert main(["check", "--backend", "numpy", "--dtype", "float64"]) == 0

    printed = capsys.readouterr().out
    assert re.match(r"Backend\('numpy', .*'float64'\): (\d+) of \1 keep every contract", printed)
    assert "why checks failed" not in printed
    assert re.search(r"^TwoLayerNet\[4-6-3\] +ok", printed, re.MULTILINE)


@pytest.mark.parametrize("name", ["no_such_library", "numpy.no_such_part"])
def test_check_refuses_what_is_neither_a_backend_nor_a_module(name, capsys):
    line = error_line(capsys, "check", "--backend", name)

    assert f"{name!r} is neither a known backend (numpy, " in line


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("math", None, "is no array namespace: pass a backend's name"),
        ("", None, "Empty module name"),
        (".relative", None, "relative import"),
        ("raises", "raise RuntimeError('not today')", "RuntimeError: not today"),
        ("wrong", "1 +", "SyntaxError: "),
        ("ends", "raise SystemExit(0)", "SystemExit: 0"),
    ],
)
def test_check_refuses_a_module_that_is_no_array_library(
    name, code, says, capsys, tmp_path, monkeypatch
):
    if code:
        (tmp_path / f"{name}.py").write_text(code)
        monkeypatch.syspath_prepend(tmp_path)

    line = error_line(capsys, "check", "--backend", name)

    assert says in line
    assert f"the module {name!r} cannot be used as an array library" in line
    assert "known backends are numpy, cupy, torch" in line


def test_check_names_a_module_that_only_pretends(capsys, tmp_path, monkeypatch):
    (tmp_path / "hollow.py").write_text("def __array_namespace_info__(): pass\nfloat32 = 'f'")
    monkeypatch.syspath_prepend(tmp_path)

    line = error_line(capsys, "check", "--backend", "hollow")

    assert "backend 'hollow' cannot be used (AttributeError: " in line


NETWORK = {"http.client", "urllib.request", "ssl", "xpnet.datasets.download"}
NOT_FOR_DIGITS = NETWORK | {"tqdm", "xpnet.bench", "xpnet.testing", "xpnet.gradient_check", "pdb"}


def test_digits_are_trained_on_without_the_network_and_other_tools():
    code = "from xpnet.cli import main; main(['train', '--iterations', '1']); import sys; "

    imported = in_a_new_process(code + "print(*sys.modules)").splitlines()[-1].split()

    assert {"xpnet.datasets.digits", "xpnet.training"} <= set(imported)
    assert not NOT_FOR_DIGITS & set(imported)
