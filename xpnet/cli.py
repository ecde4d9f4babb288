"""The command line: ``python -m xpnet``, or ``xpnet``."""

from __future__ import annotations

import argparse
import math
import os
import platform
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib import import_module
from typing import Any

import xpnet
from xpnet.backends import adapter_by_name, backend_names
from xpnet.dispatch import providers_of
from xpnet.dtypes import dtype_name
from xpnet.training import train

__all__ = ["main"]

_INTERRUPTED = 130  # what a shell reports for a command that Ctrl-C ended
_UNREAD = 141  # and for one whose reader went away

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

# Of the public ones, one only looks at labels; one of those with kernels is not public.
_OPS = {*xpnet.ops.__all__, "affine_relu"} - {"check_labels"}
_KERNEL_LINES = textwrap.TextWrapper(
    96,
    initial_indent=" " * 20,
    subsequent_indent=" " * 24,
    break_long_words=False,  # a reason may have the path of a file
    break_on_hyphens=False,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0, 2 after an error, 130 after Ctrl-C.

    A reader that goes away early, as ``xpnet train | head`` does, ends the command with 141.

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
    args = _parser().parse_args(argv)
    try:
        status: int = args.run(args)
        sys.stdout.flush()
    except (xpnet.XpnetError, ValueError) as error:
        print(f"xpnet: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # before training began, such as in a download
        return _INTERRUPTED
    except BrokenPipeError:
        # Python writes what is left when it exits, and would complain once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _UNREAD
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="xpnet", description="Neural-network layers written once, for every array library."
    )
    parser.add_argument("--version", action="version", version=f"xpnet {xpnet.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_info(commands)
    _add_train(commands)
    _add_bench(commands)
    _add_check(commands)
    return parser


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
    yield f"generic ops: {_listed(_OPS - taken) if taken else 'all'}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _add_train(commands: Any) -> None:
    parser = commands.add_parser("train", help="train a two-layer network on handwritten digits")
    add = parser.add_argument
    add("--data", choices=_LOADERS, default="digits", help="what to learn (default: %(default)s)")
    add("--backend", metavar="NAME", help=f"one of {', '.join(backend_names())} (default: current)")
    add("--device", help="such as cuda:0 (default: the backend's own)")
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


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        msg = f"{text!r} is no positive integer"
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
    parser.add_argument(
        "--backend", metavar="NAME", help=f"one of {', '.join(backend_names())} (default: current)"
    )
    parser.add_argument("--device", help="such as cuda:0 (default: the backend's own)")
    parser.add_argument(
        "--seconds",
        type=_seconds,
        default=25.0,
        metavar="N",
        help="about how long to measure (default: %(default)g)",
    )
    parser.set_defaults(run=_bench)


def _seconds(text: str) -> float:
    seconds = float(text)
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
    parser.add_argument(
        "--backend", metavar="NAME", help="a known one, or the module of any other library"
    )
    parser.add_argument("--device", help="such as cuda:0 (default: the backend's own)")
    parser.add_argument("--dtype", help="of parameters and data (default: float32)")
    parser.set_defaults(run=_check)


def _check(args: argparse.Namespace) -> int:
    from xpnet.testing import check_backend

    name = args.backend
    if name is None:
        library: Any = xpnet.get_backend()
    else:
        library = name if name in backend_names() else _import(name)
    with xpnet.use_backend(library, device=args.device, dtype=args.dtype) as backend:
        report = check_backend(backend)
    print(report)
    return 0 if report else 1


def _import(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        known = ", ".join(backend_names())
        msg = f"{module!r} is neither a known backend ({known}) nor a module here: {error}"
        raise ValueError(msg) from error
