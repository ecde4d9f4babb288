"""Mistakes with transforms, groups and schedules of optimizers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from errors.mistakes.arrays import floats, foreign, net
from errors.mistakes.mistake import Mistake

import xpnet
from xpnet import (
    SGD,
    Adam,
    BackendMismatchError,
    Constant,
    CosineDecay,
    DTypeError,
    ExponentialDecay,
    Momentum,
    OneCycle,
    SettingError,
    ShapeError,
    StepDecay,
    clip_norm,
    clip_value,
    noise,
    weight_decay,
)


def update(optimizer: Any) -> None:
    params = {"W": floats(3), "b": floats(2)}
    optimizer.update(params, {"W": floats(3), "b": floats(2)})


def update_net(optimizer: Any) -> None:
    of_net = net()
    optimizer.update(of_net.params, {name: floats(*W.shape) for name, W in of_net.params.items()})


def always(number: Any) -> Callable[[int], Any]:
    def schedule(step: int) -> Any:
        return number

    return schedule


def returning(**changed: Any) -> Callable[..., Any]:
    """Return a transform that returns other gradients, or only some."""

    def own(grads: Any, params: Any, step: Any) -> Any:
        return {name: new() for name, new in {**as_they_are(grads), **changed}.items() if new}

    return own


def as_they_are(grads: Any) -> dict[str, Callable[[], Any]]:
    return {name: lambda grad=grad: grad for name, grad in grads.items()}


def nothing(grads: Any, params: Any, step: Any) -> None:
    return None


def scheduled(name: str, number: Any, kind: Any = SGD) -> Callable[[], None]:
    return lambda: update(kind(**{name: always(number)}))


def through(transform: Any) -> Callable[[], None]:
    return lambda: update(SGD(transforms=[transform]))


SCHEDULES = [
    Mistake(
        f"schedule-returns-{text}",
        scheduled("lr", number),
        SettingError,
        (f"SGD: lr is {number!r}", "finite", "returned it for step 0"),
    )
    for text, number in {
        "nan": float("nan"),
        "infinity": float("inf"),
        "negative": -0.1,
        "text": "0.1",
        "none": None,
        "complex": 1j,
        "list": [0.1],
    }.items()
] + [
    Mistake(
        "schedule-returns-array",
        scheduled("lr", np.asarray(0.1)),
        SettingError,
        ("SGD: lr is array(0.1)", "finite number", "schedule returned it for step 0"),
    ),
    Mistake(
        "schedule-of-momentum-returns-one",
        scheduled("momentum", 1, Momentum),
        SettingError,
        ("Momentum: momentum is 1", "less than 1", "step 0"),
    ),
    Mistake(
        "schedule-of-group-negative",
        lambda: update(SGD(groups={"W": {"lr": always(-1)}})),
        SettingError,
        ("SGD: groups['W']: lr is -1", "returned it for step 0"),
    ),
    Mistake(
        "schedule-of-transform-nan",
        through(clip_norm(always(float("nan")))),
        SettingError,
        ("clip_norm: max_norm is nan", "returned it for step 0"),
    ),
    Mistake(
        "schedule-grows-beyond-floats",
        lambda: SGD(lr=ExponentialDecay(1.0, 10.0)).numbers(step=400),
        SettingError,
        ("SGD: lr is inf", "step 400"),
    ),
    Mistake(
        "schedule-class",
        lambda: SGD(lr=StepDecay),  # type: ignore[arg-type]
        SettingError,
        ("SGD: lr is the class StepDecay", "StepDecay(...)"),
    ),
    Mistake(
        "constant-negative",
        lambda: Constant(-1.0),
        SettingError,
        ("Constant: value is -1.0", "not negative"),
    ),
    Mistake(
        "step-decay-of-no-steps",
        lambda: StepDecay(0.1, every=0),
        SettingError,
        ("StepDecay: every is 0", "positive integer"),
    ),
    Mistake(
        "step-decay-negative-start",
        lambda: StepDecay(-0.1, every=10),
        SettingError,
        ("StepDecay: start is -0.1", "not negative"),
    ),
    Mistake(
        "exponential-decay-nan",
        lambda: ExponentialDecay(0.1, float("nan")),
        SettingError,
        ("ExponentialDecay: factor is nan", "finite"),
    ),
    Mistake(
        "cosine-all-warm-up",
        lambda: CosineDecay(0.1, steps=10, warmup=10),
        SettingError,
        ("CosineDecay: warmup is 10 and steps is 10", "more"),
    ),
    Mistake(
        "cosine-warm-up-negative",
        lambda: CosineDecay(0.1, steps=10, warmup=-1),
        SettingError,
        ("CosineDecay: warmup is -1", "positive integer"),
    ),
    Mistake(
        "one-cycle-only-up",
        lambda: OneCycle(0.1, steps=10, rise=1.0),
        SettingError,
        ("OneCycle: rise is 1.0", "less than 1"),
    ),
    Mistake(
        "one-cycle-half-a-step",
        lambda: OneCycle(0.1, steps=1.5),  # type: ignore[arg-type]
        SettingError,
        ("OneCycle: steps is 1.5", "positive integer"),
    ),
]

GROUPS = [
    Mistake(
        "group-of-nothing",
        lambda: update(SGD(groups={"V": {"lr": 0.1}})),
        SettingError,
        ("SGD: groups: no parameter has a name like 'V'", "there are W, b"),
    ),
    Mistake(
        "group-of-a-misspelt-path",
        lambda: update_net(SGD(groups={"Afine1.W": {"lr": 0.1}})),
        SettingError,
        ("SGD: groups: no parameter", "'Afine1.W'", "do you mean 'Affine1.W'?"),
    ),
    Mistake(
        "group-of-no-setting",
        lambda: SGD(groups={"*": {"momentum": 0.9}}),
        SettingError,
        ("SGD: groups['*']: there is no setting 'momentum', but lr",),
    ),
    Mistake(
        "group-of-a-misspelt-setting",
        lambda: Adam(groups={"*": {"beta_1": 0.9}}),
        SettingError,
        ("Adam: groups['*']: there is no setting 'beta_1'", "do you mean 'beta1'?"),
    ),
    Mistake(
        "group-negative",
        lambda: SGD(groups={"*": {"lr": -1}}),
        SettingError,
        ("SGD: groups['*']: lr is -1", "not negative"),
    ),
    Mistake(
        "group-of-a-number",
        lambda: SGD(groups={"*": 0.1}),  # type: ignore[dict-item]
        SettingError,
        ("SGD: groups['*'] is 0.1; it must be a mapping", "{'lr': 0.1}"),
    ),
    Mistake(
        "groups-in-a-list",
        lambda: SGD(groups=[{"*": {"lr": 0.1}}]),  # type: ignore[arg-type]
        SettingError,
        ("SGD: groups is [", "it must be a mapping"),
    ),
    Mistake(
        "group-without-text",
        lambda: SGD(groups={1: {"lr": 0.1}}),  # type: ignore[dict-item]
        SettingError,
        ("SGD: groups: the pattern 1 is no text",),
    ),
    Mistake(
        "group-that-is-changed-in-place",
        lambda: SGD(groups={"*": {"lr": 0.1}}).groups["*"].update(lr=-1),  # type: ignore[attr-defined]
        AttributeError,
        ("mappingproxy",),
    ),
]

TRANSFORMS = [
    Mistake(
        "transform-without-list",
        lambda: SGD(transforms=clip_norm(1.0)),  # type: ignore[arg-type]
        SettingError,
        ("SGD: transforms is clip_norm(max_norm=1.0); it must be a list",),
    ),
    Mistake(
        "transform-of-none",
        lambda: SGD(transforms=None),  # type: ignore[arg-type]
        SettingError,
        ("SGD: transforms is None; it must be a list",),
    ),
    Mistake(
        "transform-text",
        lambda: SGD(transforms=["clip_norm"]),  # type: ignore[list-item]
        SettingError,
        ("SGD: transforms[0] is 'clip_norm'", "must be made"),
    ),
    Mistake(
        "transform-class",
        lambda: SGD(transforms=[clip_value(1.0), clip_norm]),  # type: ignore[list-item]
        SettingError,
        ("SGD: transforms[1] is the class clip_norm", "must be made"),
    ),
    Mistake(
        "clip-negative",
        lambda: clip_norm(-1.0),
        SettingError,
        ("clip_norm: max_norm is -1.0", "not negative"),
    ),
    Mistake(
        "clip-nan",
        lambda: clip_value(float("nan")),
        SettingError,
        ("clip_value: limit is nan", "finite"),
    ),
    Mistake(
        "clip-changed-later",
        lambda: setattr(clip_norm(1.0), "max_norm", None),
        SettingError,
        ("clip_norm: max_norm is None",),
    ),
    Mistake(
        "decay-infinite",
        lambda: weight_decay(float("inf")),
        SettingError,
        ("weight_decay: rate is inf", "finite"),
    ),
    Mistake(
        "noise-seed",
        lambda: noise(0.1, seed=-1),
        SettingError,
        ("noise: seed is -1", "integer from 0"),
    ),
    Mistake(
        "noise-seed-none",
        lambda: noise(0.1, seed=None),  # type: ignore[arg-type]
        SettingError,
        ("noise: seed is None", "integer from 0"),
    ),
    Mistake(
        "only-nothing",
        through(weight_decay(0.1, only="*.V")),
        SettingError,
        ("weight_decay: only: no parameter has a name like '*.V'", "there are W, b"),
    ),
    Mistake(
        "only-a-number",
        lambda: weight_decay(0.1, only=3),  # type: ignore[arg-type]
        SettingError,
        ("weight_decay: only is 3", "pattern"),
    ),
    Mistake(
        "only-of-none",
        lambda: weight_decay(0.1, only=[]),
        SettingError,
        ("weight_decay: only is []", "pattern"),
    ),
    Mistake(
        "only-a-list-of-numbers",
        lambda: weight_decay(0.1, only=[3]),  # type: ignore[list-item]
        SettingError,
        ("weight_decay: only: the pattern 3 is no text",),
    ),
    Mistake(
        "own-transform-returns-nothing",
        through(nothing),
        SettingError,
        ("SGD: transforms[0] (nothing) returned NoneType",),
    ),
    Mistake(
        "own-transform-forgets-a-gradient",
        through(returning(b=None)),
        KeyError,
        ("SGD: transforms[0] (own)", "no gradient for 'b'"),
    ),
    Mistake(
        "own-transform-of-another-shape",
        through(returning(W=lambda: floats(2))),
        ShapeError,
        ("SGD: transforms[0] (own): params['W'] has shape (3,)", "(2,)"),
    ),
    Mistake(
        "own-transform-of-another-dtype",
        through(returning(W=lambda: xpnet.asarray(np.ones(3, "int64")))),
        DTypeError,
        ("SGD: transforms[0] (own): grads['W'] is int64",),
    ),
    Mistake(
        "own-transform-of-a-foreign-library",
        through(returning(W=lambda: foreign(3))),
        BackendMismatchError,
        ("SGD: transforms[0] (own): params['W'] is", "grads['W'] is"),
    ),
]

PARAMETERS = [
    Mistake(
        "one-array-under-two-names",
        lambda: SGD().update(dict.fromkeys("VW", floats(3)), {"V": floats(3), "W": floats(3)}),
        SettingError,
        ("SGD: params['V'] and params['W'] are one array", "the sum of its gradients"),
    ),
    Mistake(
        "gradient-of-a-number-is-text",
        lambda: SGD().update({"x": 1.0}, {"x": "1"}),
        BackendMismatchError,
        ("SGD: grads['x'] is of type str",),
    ),
    Mistake(
        "number-without-gradient",
        lambda: SGD().update({"x": 1.0}, {"y": 1.0}),
        KeyError,
        ("SGD: there is no gradient for 'x'",),
    ),
    Mistake(
        "gradient-of-an-array-is-a-number",
        lambda: SGD().update({"W": floats(3)}, {"W": 1.0}),
        BackendMismatchError,
        ("SGD: grads['W'] is of type float",),
    ),
]

UPDATES = [*SCHEDULES, *GROUPS, *TRANSFORMS, *PARAMETERS]
