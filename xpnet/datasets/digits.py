"""Real handwritten digits that come with the package, so that nothing need be downloaded."""

from __future__ import annotations

from importlib.resources import files

import numpy as np

from xpnet.datasets.images import ImageSet, as_image_set

__all__ = ["load_digits"]

_BRIGHTEST = 16


def load_digits(
    normalize: bool = True, flatten: bool = True, one_hot_label: bool = False
) -> ImageSet:
    """Load 1797 images of handwritten digits, 8x8 pixels each.

    They are the test part of the Optical Recognition of Handwritten Digits set
    (Alpaydin and Kaynak, 1998, CC BY 4.0) as scikit-learn repackages it.

    Parameters
    ----------
    normalize : bool
        Divide the pixels, 0 to 16, by 16.
    flatten : bool
        Give each image as a row of 64 pixels instead of 1x8x8.
    one_hot_label : bool
        Give each label as a row of ten with a one at its digit.

    Returns
    -------
    (x_train, t_train), (x_test, t_test)
        Arrays of the selected backend. ``x`` is ``(N, 64)`` or ``(N, 1, 8, 8)``, in the
        backend's float dtype if normalized and else uint8. ``t`` is ``(N,)`` int64, or
        ``(N, 10)`` floats if one-hot. N is 1438 for training and 359 for testing.

    Notes
    -----
    The images are stored one writer after another. Of the images of each digit, in that order,
    every fifth is a test image, so that both parts hold all writers and digits alike.

    Examples
    --------
    >>> from xpnet.datasets import load_digits
    >>> (x_train, t_train), (x_test, t_test) = load_digits()
    >>> x_train.shape, t_train.shape, x_test.shape
    ((1438, 64), (1438,), (359, 64))
    """
    with (
        files("xpnet.datasets").joinpath("digits.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as archive,
    ):
        images, labels = archive["images"], archive["labels"]
    for_test = np.zeros(len(images), dtype=bool)
    for_test[np.argsort(labels, kind="stable")[4::5]] = True
    return as_image_set(
        (images[~for_test], labels[~for_test]),
        (images[for_test], labels[for_test]),
        brightest=_BRIGHTEST,
        normalize=normalize,
        flatten=flatten,
        one_hot_label=one_hot_label,
    )
