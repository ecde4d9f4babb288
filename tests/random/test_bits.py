"""Dropout's masks have the same bits on every backend and in every dtype, today and in a year.

If a hash changes, every result that somebody has published with a seed changes, too: say so in
the changelog.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

import xpnet
from xpnet import kernels
from xpnet.dispatch import providers_of
from xpnet.dtypes import dtype_name
from xpnet.ops.masks import dropout_mask

# By shape, rate, seed and step.
MASKS = {
    ((1000,), 0.5, 0, 0): "b04f7aabeef6c6d8aceb064b2b698010ffb6d79680db3c0788de7d5a52cd420b",
    ((1000,), 0.1, 0, 0): "e97c9a36e23e8c3228e7969bc5e9c712faadea678b9babc6a653cd7514aef4c6",
    ((10, 4, 25), 0.5, 0, 1): "33498932cc55594f360b855f822dd992971c62e0f88b0ede27de032f967eab60",
    ((3, 1), 0.3, 2**63, 2**40): "fbb59ed10e9cd4ff45a12c5bb92cbd80df984ba1fe60f26a30febf218e2f0f5e",
    ((9999,), 0.999, 1234, 56): "59d05ddc0903d841e9b0848eec2d05a70af8581c9e621eb39043c5a45261f929",
    ((), 0.5, 1, 0): "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a",
    ((0, 3), 0.5, 1, 0): "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
}


def fingerprint(mask):
    """Return the SHA-256 of a mask with a byte for every entry."""
    return hashlib.sha256(xpnet.to_numpy(mask).astype(np.uint8).tobytes()).hexdigest()


@pytest.mark.parametrize("case", MASKS, ids=str)
def test_masks(case, xpnet_backend):
    shape, rate, seed, step = case
    x = xpnet.asarray(np.ones(shape), xp=xpnet_backend)

    assert fingerprint(dropout_mask(x, rate, seed, step)) == MASKS[case]


@pytest.mark.parametrize("case", MASKS, ids=str)
def test_masks_of_kernels(case, xpnet_backend):
    shape, rate, seed, step = case
    if "16" in dtype_name(xpnet_backend.dtype) and xpnet_backend.name == "numpy":
        pytest.skip("NumPy's kernels take no 16-bit floats")
    for provider in providers_of(xpnet_backend.adapter):
        if "dropout" not in provider.kernels:
            continue
        x = xpnet.asarray(np.ones(shape), xp=xpnet_backend)
        with kernels.only(provider.name), kernels.watch() as ran:
            y, mask = xpnet.ops.dropout(x, rate, seed, step)

        assert fingerprint(mask) == MASKS[case]
        assert len(ran) == (provider.name != "jax" or 0 < step < 2**32)
        assert ((xpnet.to_numpy(y) != 0) == xpnet.to_numpy(mask)).all()


@pytest.mark.parametrize("x64", [False, True])
def test_masks_do_not_depend_on_the_x64_mode_of_jax(x64):
    jax = pytest.importorskip("jax", reason="JAX is not installed: run nox -s tests_backends")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", x64)
    try:
        (shape, rate, seed, step), expected = next(iter(MASKS.items()))
        x = jax.numpy.ones(shape, dtype="float32")
        compiled = jax.jit(dropout_mask, static_argnums=(1, 2, 3))
        assert fingerprint(dropout_mask(x, rate, seed, step)) == expected
        assert fingerprint(compiled(x, rate, seed, step)) == expected
    finally:
        jax.config.update("jax_enable_x64", before)
