"""The generator against the published vectors, and against itself in plain Python integers."""

from __future__ import annotations

import numpy as np
import pytest

import xpnet
from xpnet.numerics.philox import constant_word, philox4x32, random_words
from xpnet.testing import no_host_sync

# Random123, tests/kat_vectors: https://github.com/DEShawResearch/random123
KNOWN_ANSWERS = [
    (
        (0x00000000, 0x00000000, 0x00000000, 0x00000000),
        (0x00000000, 0x00000000),
        (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    ),
    (
        (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def plain_philox(counter, key):
    """Philox as the paper writes it, in integers that cannot overflow."""
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * counter[0], 2**32)
        high1, low1 = divmod(0xCD9E8D57 * counter[2], 2**32)
        counter = (high1 ^ counter[1] ^ key[0], low1, high0 ^ counter[3] ^ key[1], low0)
        key = ((key[0] + 0x9E3779B9) % 2**32, (key[1] + 0xBB67AE85) % 2**32)
    return counter


def plain_words(size, seed, stream=0, start=0):
    def word(position):
        block = position // 4
        counter = (block % 2**32, block >> 32, stream % 2**32, stream >> 32)
        return plain_philox(counter, (seed % 2**32, seed >> 32))[position % 4]

    return [word(start + i) for i in range(size)]


def words(backend, size, **position):
    found = random_words(backend.xp, size, device=backend.device, **position)
    return xpnet.to_numpy(found).tolist()


def counters(backend, values):
    """One counter, as arrays of shape (1,)."""
    xp = backend.xp
    return tuple(xp.reshape(constant_word(xp, value, backend.device), (1,)) for value in values)


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_published_vectors(counter, key, expected, xpnet_backend):
    arrays = counters(xpnet_backend, counter)

    found = philox4x32(xpnet_backend.xp, arrays, key, device=xpnet_backend.device)

    assert tuple(int(xpnet.to_numpy(word)[0]) for word in found) == expected


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_the_reference_gives_the_published_vectors_too(counter, key, expected):
    assert plain_philox(counter, key) == expected


@pytest.mark.parametrize(
    "position",
    [
        {"seed": 0},
        {"seed": 2**32 + 5, "stream": 7},
        {"seed": 2**64 - 1, "stream": 2**64 - 1},
        {"seed": 1, "start": 3},
        {"seed": 1, "start": 2**32 + 1},
        {"seed": 1, "start": 2**34 - 6},  # the lower word of the block's number overflows
        {"seed": 1, "stream": 2, "start": 2**65 + 2},
        {"seed": 1, "start": 2**66 - 13},  # the end of the stream
    ],
    ids=str,
)
def test_words_are_those_of_the_reference(position, xpnet_backend):
    assert words(xpnet_backend, 13, **position) == plain_words(13, **position)


def test_random_positions_are_those_of_the_reference(xpnet_backend):
    rng = np.random.default_rng(5)
    for _ in range(5):
        seed, stream = map(int, rng.integers(2**64, size=2, dtype="uint64"))
        start, size = int(rng.integers(2**62)), int(rng.integers(10))
        position = {"seed": seed, "stream": stream, "start": start}

        assert words(xpnet_backend, size, **position) == plain_words(size, **position)


def test_a_piece_of_a_stream_is_a_slice_of_it(xpnet_backend):
    stream = words(xpnet_backend, 12, seed=9)

    for start in range(5):
        for size in (0, 1, 4, 7):
            assert words(xpnet_backend, size, seed=9, start=start) == stream[start : start + size]


def test_streams_can_be_numbered_by_an_array(xpnet_backend):
    stream = xpnet.asarray(np.asarray(2**31 - 1), xp=xpnet_backend)

    found = words(xpnet_backend, 8, seed=3, stream=stream)

    assert found == plain_words(8, seed=3, stream=2**31 - 1)


def test_no_value_is_read_on_the_host():
    with xpnet.use_backend("array_api_strict", device="device1") as backend, no_host_sync():
        found = random_words(backend.xp, 8, seed=3, device=backend.device)

    assert xpnet.to_numpy(found).tolist() == plain_words(8, seed=3)


def test_jit_gives_the_same_words():
    jax = pytest.importorskip("jax", reason="JAX is not installed: run nox -s tests_backends")

    compiled = jax.jit(lambda stream: random_words(jax.numpy, 9, seed=2**64 - 1, stream=stream))

    for stream in (0, 1, 2**31 - 1):
        assert compiled(stream).tolist() == plain_words(9, seed=2**64 - 1, stream=stream)


# Statistics ----------------------------------------------------------------------------------
# The seeds are fixed, so that these tests cannot fail by chance; what they allow would be
# exceeded by one seed in about ten thousand.

SIZE = 100_000


def numpy_words(**position):
    return random_words(xpnet.get_backend().xp, SIZE, **position)


@pytest.mark.parametrize("position", [{"seed": 0}, {"seed": 1}, {"seed": 0, "stream": 2**40}])
def test_bytes_are_equally_frequent(position):
    counts = np.bincount(numpy_words(**position).view(np.uint8), minlength=256)

    expected = 4 * SIZE / 256
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert abs(chi_square - 255) < 4 * np.sqrt(2 * 255)


def test_bits_are_set_half_of_the_time():
    bits = np.unpackbits(numpy_words(seed=4).view(np.uint8)).reshape(SIZE, 32)

    assert abs(bits.mean(axis=0) - 0.5).max() < 4.5 * 0.5 / np.sqrt(SIZE)


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 7},
        {"seed": 6 + 2**32},
        {"seed": 6, "stream": 1},
        {"seed": 6, "stream": 2**32},
        {"seed": 6, "start": 1},
        {"seed": 6, "start": 4},
        {"seed": 6, "start": 2**34},
    ],
    ids=str,
)
def test_neighbours_are_not_correlated(other):
    correlation = np.corrcoef(numpy_words(seed=6), numpy_words(**other))[0, 1]

    assert abs(correlation) < 4 / np.sqrt(SIZE)
