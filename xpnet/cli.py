"""The command line: ``python -m xpnet``, or ``xpnet``."""

from __future__ import annotations

import argparse
import math
import platform
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib import import_module
from typing import Any

import xpnet
from xpnet.backend import resolve_backend
from xpnet.backends import adapter_by_name, backend_names
from xpnet.dispatch import providers_of
from xpnet.dtypes import dtype_name
from xpnet.ops.op import OPS
from xpnet.streams import complain, printable, settle, writable_streams
from xpnet.training import train

__all__ = ["main"]

_FAILED = 2
_INTERRUPTED = 130  # what a shell reports for a command that Ctrl-C ended
_UNREAD = 141  # and for one whose reader went away

_MOST = 10**15  # what no memory holds and nobody lives to see; Python's own limits come later

_LOADERS: dict[str, Callable[[], Any]] = {
    "digits": xpnet.datasets.load_digits,
    "mnist": xpnet.datasets.load_mnist,
    "fashion": xpnet.datasets.load_fashion_mnist,
}
_ITERATIONS = {"digits": 1_500, "mnist": 10_000, "fashion": 10_000}
_OPTIMIZERS: dict[str, Callable[..., xpnet.Optimizer]] = {
    "sgd": partial(xpnet.SGD, lr=0.1),
    "momentum": xpnet.Momentum,
    "nesterov": xpnet.Nesterov,
    "adagrad": xpnet.AdaGrad,
    "rmsprop": xpnet.RMSprop,
    "adam": xpnet.Adam,
    "adamw": xpnet.AdamW,
}

_KERNEL_LINES = textwrap.TextWrapper(
    96,
    initial_indent=" " * 20,
    subsequent_indent=" " * 24,
    break_long_words=False,  # a reason may have the path of a file
    break_on_hyphens=False,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    It is 0 when all is well; 1 if ``check`` or ``bench`` found something wrong; 2 after an error,
    which is told in a line on stderr, also when the output cannot be written; 130 after Ctrl-C; and
    141 if a reader went away early, as in ``xpnet train | head``.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process unless given.

    Examples
    --------
    >>> from xpnet.cli import main
    >>> main(["train", "--iterations", "30"])  # doctest: +ELLIPSIS
    digits: 1438 training and 359 test samples; sizes 64-50-10, batch 100, sgd, lr 0.1, seed 0
    numpy ... on cpu, float32
    epoch   1  loss 2.30...
    epoch   2  loss 2.3...
    after 30 steps: train accuracy ...%, test accuracy ...%; ... ms per step
    0
    """
    if sys.stdout is None:  # how Python starts where it is closed
        complain("xpnet: error: nothing can be printed, because standard output is closed")
        return _FAILED
    with writable_streams():
        try:
            return _obey(argv)
        except KeyboardInterrupt:  # before training began, such as in a download
            status = _INTERRUPTED
        except BrokenPipeError:
            status = _UNREAD
        except (xpnet.XpnetError, ValueError, OSError, MemoryError, RuntimeError) as error:
            complain(f"xpnet: error: {printable(_reason(error))}")
            status = _FAILED
        settle(sys.stdout)
    return status


def _obey(argv: Sequence[str] | None) -> int:
    try:
        args = _parser().parse_args(argv)
        status: int = args.run(args)
    except SystemExit:  # after the help, for one
        sys.stdout.flush()
        raise
    sys.stdout.flush()
    return status


def _reason(error: Exception) -> str:
    """Say what went wrong, or raise what only a fault of xpnet can be."""
    text = ". ".join([str(error), *getattr(error, "__notes__", ())])
    if isinstance(error, xpnet.XpnetError | ValueError):
        return text
    if isinstance(error, OSError):
        if error.errno and not error.filename:  # what concerns a file has its name
            return f"the output cannot be written: {error.strerror}"
        return text
    if isinstance(error, MemoryError) or "memory" in text.lower():  # PyTorch's and JAX's
        return f"there is not enough memory for such sizes: {text or type(error).__name__}"
    raise error


class _Parser(argparse.ArgumentParser):
    """A parser that loses no message where a stream cannot be written to."""

    def _print_message(self, message: str, file: Any = None) -> None:
        if file is sys.stdout:
            print(message, end="")
        else:
            complain(message.rstrip("\n"))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="xpnet",
        description="Neural-network layers written once, for every array library.",
        epilog=(
            "exit status: 0 if all is well, 1 if check or bench found something wrong, "
            f"{_FAILED} after an error, {_INTERRUPTED} after Ctrl-C, "
            f"{_UNREAD} if nobody reads the output"
        ),
    )
    parser.add_argument("--version", action="version", version=f"xpnet {xpnet.__version__}")
    parser.set_defaults(run=partial(_help, parser))
    commands = parser.add_subparsers(metavar="COMMAND")
    _add_info(commands)
    _add_train(commands)
    _add_bench(commands)
    _add_check(commands)
    return parser


def _help(parser: argparse.ArgumentParser, _: argparse.Namespace) -> int:
    parser.print_help()
    return 0


def _add_info(commands: Any) -> None:
    parser = commands.add_parser(
        "info", help="show which backends and kernels can be used here, or why not"
    )
    parser.set_defaults(run=_info)


def _info(_: argparse.Namespace) -> int:
    print(f"xpnet {xpnet.__version__}, Python {platform.python_version()}, {platform.machine()}")
    print(f"current backend: {xpnet.get_backend()}")
    for status in xpnet.available_backends().values():
        found = f"{status.version} on {status.device}" if status.available else "not usable"
        print(f"  {status.name:16}  {found}")
        if status.reason:
            print(f"{'':20}{status.reason}")
        else:
            for line in _kernels(status.name):
                print(_KERNEL_LINES.fill(line))
    return 0


def _kernels(backend: str) -> Iterator[str]:
    """Say which ops have a faster copy, and why others have none."""
    taken: set[str] = set()
    earlier: list[str] = []
    for provider in providers_of(adapter_by_name(backend)):
        own = provider.kernels.keys()
        if provider.reason is not None:
            yield f"no kernels of {provider.name}: {provider.reason}"
        if first := own - taken:
            yield f"kernels of {provider.name}: {_listed(first)}"
        if second := own & taken:
            yield f"kernels of {provider.name} after {' and '.join(earlier)}: {_listed(second)}"
        for problem in provider.problems():
            yield f"kernels of {provider.name}: {problem}"
        taken |= own
        earlier += [provider.name] if own else []
    yield f"generic ops: {_listed(OPS.keys() - taken) if taken else 'all'}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _add_train(commands: Any) -> None:
    parser = commands.add_parser("train", help="train a two-layer network on handwritten digits")
    add = parser.add_argument
    add("--data", choices=_LOADERS, default="digits", help="what to learn (default: %(default)s)")
    _add_backend(parser, f"one of {', '.join(backend_names())}")
    add("--dtype", help="of parameters and data (default: float32)")
    add(
        "--hidden",
        type=_positive,
        default=50,
        metavar="N",
        help="hidden units (default: %(default)s)",
    )
    add(
        "--batch",
        type=_positive,
        default=100,
        metavar="N",
        help="samples per step (default: %(default)s)",
    )
    iterations = ", ".join(f"{count} for {name}" for name, count in _ITERATIONS.items())
    add("--iterations", type=_positive, metavar="N", help=f"steps (default: {iterations})")
    add(
        "--optimizer",
        choices=_OPTIMIZERS,
        default="sgd",
        help="how parameters follow their gradients (default: %(default)s)",
    )
    add("--lr", type=float, help="learning rate (default: 0.1 for sgd, else the optimizer's own)")
    add(
        "--seed",
        type=int,
        default=0,
        help="of the weights and the order of samples (default: %(default)s)",
    )
    parser.set_defaults(run=_train)


def _add_backend(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--backend", metavar="NAME", help=f"{what} (default: current)")
    parser.add_argument("--device", help="such as cuda:0 (default: the backend's own)")


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or set(text) == {"0"}:
        msg = f"{text!r} is no positive integer"
        raise argparse.ArgumentTypeError(msg)
    if len(text.lstrip("0")) >= len(str(_MOST)):
        msg = f"{text!r} is too large; it must be less than {_MOST}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _train(args: argparse.Namespace) -> int:
    current = xpnet.get_backend() if args.backend is None else args.backend
    chosen = {} if args.lr is None else {"lr": args.lr}
    optimizer = _OPTIMIZERS[args.optimizer](**chosen)
    with xpnet.use_backend(current, device=args.device, dtype=args.dtype) as backend:
        train_set, test_set = _LOADERS[args.data]()
        sizes = (train_set[0].shape[-1], args.hidden, 10)
        print(
            f"{args.data}: {train_set[0].shape[0]} training and {test_set[0].shape[0]} test "
            f"samples; sizes {'-'.join(map(str, sizes))}, batch {args.batch}, "
            f"{args.optimizer}, lr {optimizer.settings['lr']}, seed {args.seed}"
        )
        library = f"{backend.name} {backend.adapter.version}"
        print(f"{library} on {backend.device_name}, {dtype_name(backend.dtype)}")
        history = train(
            xpnet.TwoLayerNet(*sizes, seed=args.seed),
            optimizer,
            train_set,
            test_set,
            iterations=args.iterations or _ITERATIONS[args.data],
            batch_size=args.batch,
            seed=args.seed,
            verbose=True,
        )
    return _INTERRUPTED if history.interrupted else 0


def _add_bench(commands: Any) -> None:
    parser = commands.add_parser(
        "bench", help="measure a backend beside plain NumPy, PyTorch and JAX, as far as installed"
    )
    _add_backend(parser, f"one of {', '.join(backend_names())}")
    parser.add_argument(
        "--seconds",
        type=_seconds,
        default=25.0,
        metavar="N",
        help="about how long to measure (default: %(default)g)",
    )
    parser.set_defaults(run=_bench)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        msg = f"{text!r} is no positive number of seconds"
        raise argparse.ArgumentTypeError(msg)
    return seconds


def _bench(args: argparse.Namespace) -> int:
    from xpnet.bench.short import bench

    current = xpnet.get_backend() if args.backend is None else args.backend
    with xpnet.use_backend(current, device=args.device) as backend:
        return 0 if bench(backend, args.seconds) else 1


def _add_check(commands: Any) -> None:
    parser = commands.add_parser(
        "check", help="hold an array library against every contract, with every op and layer"
    )
    _add_backend(parser, "a known one, or the module of any other library")
    parser.add_argument("--dtype", help="of parameters and data (default: float32)")
    parser.set_defaults(run=_check)


def _check(args: argparse.Namespace) -> int:
    from xpnet.testing import check_backend

    with xpnet.use_backend(_library(args), device=args.device, dtype=args.dtype) as backend:
        report = check_backend(backend)
    print(report)
    return 0 if report else 1


def _library(args: argparse.Namespace) -> Any:
    """Return what the user means by a backend's name or any module's."""
    name = args.backend
    if name is None:
        return xpnet.get_backend()
    if name in backend_names():
        return name
    known = ", ".join(backend_names())
    try:
        module = import_module(name)
        resolve_backend(module, args.device, args.dtype)
    except xpnet.XpnetError:
        raise
    except ModuleNotFoundError as error:
        msg = f"{name!r} is neither a known backend ({known}) nor a module here: {error}"
        raise ValueError(msg) from error
    except (Exception, SystemExit) as error:  # it is a stranger's code
        msg = (
            f"the module {name!r} cannot be used as an array library "
            f"({type(error).__name__}: {error}); known backends are {known}"
        )
        raise ValueError(msg) from error
    return module
