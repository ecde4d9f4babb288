"""Optimizers and transforms of one's own, and how a compiled step tells one from another."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import xpnet
from xpnet import SGD, Adam, SettingError, StepDecay, clip_norm, clip_value, noise, weight_decay
from xpnet.checks import check_fraction, check_not_negative
from xpnet.optimizers import Setting, Transform
from xpnet.optimizers.optimizer import has_plain_update, mode_of_optimizer


def own_optimizer():
    class Signs(xpnet.Optimizer):
        lr = Setting(check_not_negative)
        share = Setting(check_fraction)
        note = "no setting"
        memory = ("sum",)

        def __init__(self, lr=1.0, share=0.5, **pipeline):
            super().__init__(**pipeline)
            self.share, self.lr = share, lr

        def step(self, param, grad, memory, settings):
            total = settings["share"] * memory["sum"] + np.sign(grad)
            return param - settings["lr"] * total, {"sum": total}

    return Signs


def test_an_optimizer_of_ones_own_has_the_whole_pipeline():
    kind = own_optimizer()
    optimizer = kind(
        StepDecay(1.0, every=1, factor=0.5),
        transforms=[weight_decay(1.0)],
        groups={"b": {"share": 0}},
    )
    params = {"W": np.full(2, 8.0), "b": np.full(1, 8.0)}
    for _ in range(2):
        optimizer.update(params, {"W": np.zeros(2), "b": np.zeros(1)})

    assert_array_equal(params["W"], 8 - 1 - 0.5 * 1.5)
    assert_array_equal(params["b"], 8 - 1 - 0.5)
    assert optimizer.settings == {"share": 0.5, "lr": 0.25}
    assert repr(kind()) == "Signs(share=0.5, lr=1.0)"
    assert isinstance(kind.lr, Setting)
    assert kind.lr is not kind.share


MUST_BE_MADE = (
    "Signs: lr is the class StepDecay; it must be a number, or a schedule that is made: "
    "StepDecay(...)"
)
NO_TRANSFORM = (
    "Signs: transforms[0] is 3; it must be made, such as clip_norm(1.0), or a function of "
    "gradients, parameters and the number of the step"
)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"lr": -1}, "Signs: lr is -1; it must be a finite number and not negative"),
        ({"share": 1}, "Signs: share is 1; it must be a number from 0 on and less than 1"),
        (
            {"groups": {"W": {"rate": 1}}},
            "Signs: groups['W']: there is no setting 'rate', but lr, share",
        ),
        (
            {"groups": {"W": {"shares": 1}}},
            "Signs: groups['W']: there is no setting 'shares', but lr, share; do you mean 'share'?",
        ),
        (
            {"groups": {"W": 3}},
            "Signs: groups['W'] is 3; it must be a mapping, such as {'lr': 0.1}",
        ),
        (
            {"groups": 3},
            "Signs: groups is 3; it must be a mapping, such as {'*.b': {'lr': 0.1}}",
        ),
        (
            {"lr": StepDecay},
            MUST_BE_MADE,
        ),
        (
            {"transforms": 3},
            "Signs: transforms is 3; it must be a list, such as [clip_norm(1.0)]",
        ),
        (
            {"transforms": "ab"},
            "Signs: transforms is 'ab'; it must be a list, such as [clip_norm(1.0)]",
        ),
        (
            {"transforms": [3]},
            NO_TRANSFORM,
        ),
    ],
)
def test_the_whole_text_of_a_mistake(settings, text):
    with pytest.raises(SettingError, match=f"^{re.escape(text)}$"):
        own_optimizer()(**settings)


def test_an_optimizer_without_settings_says_so():
    class Plain(xpnet.Optimizer):
        def step(self, param, grad, memory, settings):
            return param - grad, memory

    assert Plain().settings == {}
    with pytest.raises(SettingError, match=r"there is no setting 'lr', but none$"):
        Plain(groups={"W": {"lr": 1}})
    with pytest.raises(TypeError, match="lr"):
        Plain(lr=1)


def test_the_text_for_a_pattern_of_nothing_lists_all_names():
    optimizer = SGD(groups={"W": {"lr": 1}})
    with pytest.raises(
        SettingError, match=r"^SGD: groups: no parameter has a name like 'W'; there are none$"
    ):
        optimizer.update({}, {})

    net = xpnet.TwoLayerNet(2, 2, 2, seed=0)
    grads = {name: array * 0 for name, array in net.params.items()}
    optimizer.groups = {"Affine.W": {"lr": 1}}
    text = (
        "SGD: groups: no parameter has a name like 'Affine.W'; there are W1, Affine1.W, b1, "
        "Affine1.b, W2, Affine2.W, b2, Affine2.b; do you mean 'Affine2.W'?"
    )
    with pytest.raises(SettingError, match=f"^{re.escape(text)}$"):
        optimizer.update(net.params, grads)


def test_a_transform_of_ones_own_class_has_settings():
    class Times(Transform):
        factor = Setting(check_not_negative)

        def __init__(self, factor, **only):
            super().__init__(**only)
            self.factor = factor

        def transformed(self, grads, params, step, settings):
            return {name: settings["factor"] * grad for name, grad in grads.items()}

    times = Times(StepDecay(2.0, every=1, factor=0.25), only="W")
    optimizer = SGD(1.0, transforms=[times])
    params = {"W": 0.0, "b": 0.0}
    for _ in range(2):
        optimizer.update(params, {"W": 1.0, "b": 1.0})

    assert params == {"W": -2.5, "b": -2.0}
    with pytest.raises(SettingError, match=r"^Times: factor is -1"):
        times.factor = -1
    with pytest.raises(NotImplementedError):
        Transform()({}, {}, 0)


# What compiled steps look at ------------------------------------------------------------------


class Scales:
    def __init__(self, scale):
        self.scale = scale

    def __call__(self, grads, params, step):
        return {name: grad * self.scale for name, grad in grads.items()}


def as_they_are(grads, params, step):
    return grads


def with_note(optimizer):
    optimizer.note = 3
    return optimizer


SCALES = Scales(1)

MODES = [
    lambda: SGD(),
    lambda: SGD(groups={"W": {"lr": 1}}),
    lambda: SGD(groups={"b": {"lr": 1}}),
    lambda: SGD(groups={"W": {}}),
    lambda: SGD(groups={"W": {"lr": 1}, "b": {"lr": 1}}),
    lambda: SGD(groups={"b": {"lr": 1}, "W": {"lr": 1}}),
    lambda: SGD(transforms=[clip_norm(1)]),
    lambda: SGD(transforms=[clip_value(1)]),
    lambda: SGD(transforms=[clip_value(1), clip_norm(1)]),
    lambda: SGD(transforms=[clip_norm(1), clip_value(1)]),
    lambda: SGD(transforms=[clip_norm(1, only="W")]),
    lambda: SGD(transforms=[clip_norm(1, only="b")]),
    lambda: SGD(transforms=[noise(1, seed=1)]),
    lambda: SGD(transforms=[noise(1, seed=2)]),
    lambda: SGD(transforms=[as_they_are]),
    lambda: SGD(transforms=[SCALES]),
    lambda: with_note(SGD()),
]


def test_modes_differ_where_steps_do():
    keys = [mode_of_optimizer(make()) for make in MODES]

    assert [mode_of_optimizer(make()) for make in MODES] == keys
    assert all(a != b for i, a in enumerate(keys) for b in keys[:i])
    before = mode_of_optimizer(SGD(transforms=[SCALES]))
    SCALES.scale = 2
    assert mode_of_optimizer(SGD(transforms=[SCALES])) != before
    assert mode_of_optimizer(SGD(transforms=[Scales(2)])) != mode_of_optimizer(
        SGD(transforms=[Scales(2)])
    )


def test_numbers_and_what_is_counted_are_no_mode():
    optimizer = Adam(transforms=[clip_norm(1), noise(1, seed=1)], groups={"W": {"lr": 1}})
    before = mode_of_optimizer(optimizer)

    optimizer.update({"W": np.ones(1)}, {"W": np.ones(1)})
    optimizer.lr, optimizer.beta1 = StepDecay(1, every=2), 0.5
    optimizer.transforms[0].max_norm = optimizer.transforms[1].std = 3
    optimizer.groups = {"W": {"lr": 2}}

    assert mode_of_optimizer(optimizer) == before
    hash(before)


def test_an_update_of_ones_own_is_not_plain():
    class Clips(SGD):
        def update(self, params, grads):
            super().update(params, {name: grad * 0 for name, grad in grads.items()})

    optimizer = SGD()
    assert has_plain_update(optimizer)
    assert has_plain_update(own_optimizer()())
    assert not has_plain_update(Clips())
    assert not has_plain_update(SCALES)
    for name in ("update", "step", "numbers", "prepared", "applied", "plan"):
        changed = SGD()
        setattr(changed, name, None)
        assert not has_plain_update(changed)
