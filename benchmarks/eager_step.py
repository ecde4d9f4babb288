"""Does an eager training step take at most half the time of the book's?

Run it from the root of the project: ``python -m benchmarks.eager_step --help``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import xpnet
from benchmarks import machine
from benchmarks.contenders import BASELINE, Contender, book_contender, xpnet_contender
from benchmarks.interleave import interleave, pair_ratios
from benchmarks.verify import assert_close
from benchmarks.workloads import StepShape

GOAL = 2.0


def main() -> None:
    options = _options()
    machine.pin_threads()
    if not options.young_heap:
        machine.settle_heap()
    inputs, hidden, outputs = options.sizes
    shape = StepShape("step", options.batch, inputs, hidden, outputs)
    contenders = [book_contender("float64"), book_contender("float32")]
    contenders += [xpnet_contender(name) for name in options.backend]
    steps = verified_steps(shape, contenders)
    print(*machine.describe([contender.backend for contender in contenders]), sep="\n")
    print(f"{shape}: {options.rounds} rounds of {options.calls} calls each, in microseconds\n")
    seconds = interleave(steps, rounds=options.rounds, calls=options.calls)
    report(seconds, {name: _faults(step) for name, step in steps.items()})
    print(f"\nload afterwards: {machine.load()}")


def verified_steps(shape: StepShape, contenders: list[Contender]) -> dict[str, Callable[[], Any]]:
    """Return each contender's step by name, having made sure that all compute the same."""
    trainings = {str(contender): contender.training(shape) for contender in contenders}
    truth = trainings[BASELINE].gradient()
    for training in trainings.values():
        grads = training.gradient()
        assert_close([grads[name] for name in truth], truth.values())
    steps = {name: partial(_finished, training.step) for name, training in trainings.items()}
    return steps | {"bare products": bare_products(shape)}


def _finished(step: Callable[[], tuple[Any, ...]]) -> None:
    xpnet.synchronize(*step())


def bare_products(shape: StepShape) -> Callable[[], None]:
    """Return the five matrix products of a step, in float32 NumPy: the floor for NumPy."""
    params = {name: param.astype(np.float32) for name, param in shape.params().items()}
    W1, W2 = params["W1"], params["W2"]
    x = shape.batch()[0].astype(np.float32)
    h = x @ W1
    y = h @ W2
    products = [(x, W1), (h, W2), (y, W2.T), (h.T, y), (x.T, h)]
    buffers = [a @ b for a, b in products]

    def run() -> None:
        for (a, b), out in zip(products, buffers, strict=True):
            np.matmul(a, b, out=out)

    return run


def report(seconds: dict[str, np.ndarray], faults: dict[str, float]) -> None:
    print(f"{'':<28}{'min':>10}{'median':>10}{'page faults':>14}")
    for name, times in seconds.items():
        least, median = times.min() * 1e6, np.median(times) * 1e6
        print(f"{name:<28}{least:>10,.1f}{median:>10,.1f}{faults[name]:>14,.0f}")
    for name in seconds:
        if name.startswith("xpnet-"):
            print()
            for rival in (name for name in seconds if name.startswith("book-")):
                low, middle, high = pair_ratios(seconds[rival], seconds[name])
                print(f"{rival} / {name}: {middle:.2f} (middle half: {low:.2f} to {high:.2f})")
            print(_verdict(name, pair_ratios(seconds[BASELINE], seconds[name])))


def _verdict(name: str, quartiles: np.ndarray) -> str:
    low, _, high = quartiles
    goal = f"goal: {BASELINE} takes {GOAL:g} times as long as {name}"
    if low >= GOAL:
        return f"{goal}: met"
    if high < GOAL:
        return f"{goal}: missed"
    return f"{goal}: undecided, the spread of the pairs spans it"


def _faults(step: Callable[[], Any], calls: int = 20) -> float:
    before = machine.page_faults()
    for _ in range(calls):
        step()
    return (machine.page_faults() - before) / calls


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.eager_step",
        description="Time a training step of xpnet and of the book, turn by turn.",
        epilog="XPNET_BENCH_THREADS sets the number of threads (2).",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--backend", nargs="+", default=["numpy"], help="xpnet's backends")
    parser.add_argument(
        "--sizes", type=_sizes, default="784-50-10", help="features, hidden units and classes"
    )
    parser.add_argument("--batch", type=int, default=100, help="samples in a batch")
    parser.add_argument("--rounds", type=int, default=60, help="turns of every contender")
    parser.add_argument("--calls", type=int, default=20, help="timed calls in a turn")
    parser.add_argument(
        "--young-heap",
        action="store_true",
        help="start with the heap of a new process, where the book's float64 step page-faults",
    )
    return parser.parse_args()


def _sizes(text: str) -> tuple[int, int, int]:
    inputs, hidden, outputs = map(int, text.split("-"))
    return inputs, hidden, outputs


if __name__ == "__main__":
    main()
