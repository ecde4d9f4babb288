"""Images and labels as bytes on the host become arrays of the selected backend."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from xpnet._typing import Array
from xpnet.arrays import asarray
from xpnet.backend import get_backend
from xpnet.dtypes import dtype_name

__all__ = ["BytePart", "ImageSet", "as_image_set"]

BytePart: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""Images ``(N, height, width)`` and labels ``(N,)`` on the host."""

ImageSet: TypeAlias = tuple[tuple[Array, Array], tuple[Array, Array]]
"""``(x_train, t_train), (x_test, t_test)`` on a backend."""

_CLASSES = 10


def as_image_set(
    train: BytePart,
    test: BytePart,
    *,
    brightest: int,
    normalize: bool,
    flatten: bool,
    one_hot_label: bool,
) -> ImageSet:
    """Put both parts of a data set on the selected backend.

    Parameters
    ----------
    train, test : (images, labels)
        NumPy arrays of uint8, ``(N, height, width)`` and ``(N,)``; labels are 0 to 9.
    brightest : int
        The pixel value that becomes 1 if normalized.
    normalize, flatten, one_hot_label : bool
        As in :func:`xpnet.datasets.load_mnist`.

    Returns
    -------
    (x_train, t_train), (x_test, t_test)
        Arrays of the selected backend.
    """

    def convert(part: BytePart) -> tuple[Array, Array]:
        images, labels = part
        x = images.reshape(len(images), -1) if flatten else images[:, np.newaxis]
        t = np.eye(_CLASSES, dtype=np.float32)[labels] if one_hot_label else labels.astype(np.int64)
        return asarray(_share(x, brightest) if normalize else x), asarray(t)

    return convert(train), convert(test)


def _share(pixels: NDArray[np.uint8], brightest: int) -> NDArray[np.floating]:
    # Divided on the host, because some GPU libraries multiply by the rounded reciprocal of a
    # scalar instead, and the same data should be the same numbers on every backend.
    wide = dtype_name(get_backend().dtype) == "float64"
    return np.divide(pixels, brightest, dtype=np.float64 if wide else np.float32)
