"""MNIST and Fashion-MNIST: each 60,000 images to learn from and 10,000 to test with."""

from __future__ import annotations

import os
from pathlib import Path

from xpnet.datasets.files import Collection, load_file
from xpnet.datasets.fingerprint import Fingerprint
from xpnet.datasets.idx import parse_idx
from xpnet.datasets.images import ImageSet, as_image_set

__all__ = ["load_fashion_mnist", "load_mnist"]

# In bytes, with the headers of their format.
_TRAIN_IMAGES, _TRAIN_LABELS = 16 + 60_000 * 28 * 28, 8 + 60_000
_TEST_IMAGES, _TEST_LABELS = 16 + 10_000 * 28 * 28, 8 + 10_000

MNIST = Collection(
    name="mnist",
    files={
        "train-images-idx3-ubyte": Fingerprint(
            _TRAIN_IMAGES,
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        "train-labels-idx1-ubyte": Fingerprint(
            _TRAIN_LABELS,
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        "t10k-images-idx3-ubyte": Fingerprint(
            _TEST_IMAGES,
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        "t10k-labels-idx1-ubyte": Fingerprint(
            _TEST_LABELS,
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    },
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
)

FASHION_MNIST = Collection(
    name="fashion-mnist",
    files={
        "train-images-idx3-ubyte": Fingerprint(
            _TRAIN_IMAGES,
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
        "train-labels-idx1-ubyte": Fingerprint(
            _TRAIN_LABELS,
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
        "t10k-images-idx3-ubyte": Fingerprint(
            _TEST_IMAGES,
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        "t10k-labels-idx1-ubyte": Fingerprint(
            _TEST_LABELS,
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    },
    mirrors=(
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",  # after those with TLS
    ),
    # The folder of Debian's package dataset-fashion-mnist.
    system_folders=(Path("/usr/share/datasets/fashion-mnist"),),
)

_BRIGHTEST = 255


def load_mnist(
    normalize: bool = True,
    flatten: bool = True,
    one_hot_label: bool = False,
    *,
    folder: str | os.PathLike[str] | None = None,
) -> ImageSet:
    """Load MNIST (LeCun, Cortes and Burges, 1998): handwritten digits, 28x28 pixels each.

    Its four files, ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte``,
    ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte``, raw or ``.gz``, are looked for in

    1. ``folder``, and nowhere else if it is given;
    2. the folder that the environment variable ``XPNET_DATA`` names, in its subfolder ``mnist``
       or directly;
    3. the cache: ``XPNET_CACHE``, else ``xpnet`` in ``XDG_CACHE_HOME`` or ``~/.cache``;
    4. the mirrors, from which they are downloaded into the cache. ``XPNET_MIRROR`` may name the
       URL of one more, which is tried first and serves ``mnist/<file>.gz``.

    Each file's size and SHA-256 are checked whenever it is loaded, and nothing larger is ever read,
    unpacked or downloaded. A download that fails is tried again, and given up where nothing comes
    for 20 seconds or, after the first 30, less than 10 kB per second on the average.

    Parameters
    ----------
    normalize : bool
        Divide the pixels, 0 to 255, by 255.
    flatten : bool
        Give each image as a row of 784 pixels instead of 1x28x28.
    one_hot_label : bool
        Give each label as a row of ten with a one at its class.
    folder : path, optional
        A folder that holds the four files.

    Returns
    -------
    (x_train, t_train), (x_test, t_test)
        Arrays of the selected backend. ``x`` is ``(N, 784)`` or ``(N, 1, 28, 28)``, in the
        backend's float dtype if normalized and else uint8. ``t`` is ``(N,)`` int64, or
        ``(N, 10)`` floats if one-hot. N is 60,000 for training and 10,000 for testing.

    Raises
    ------
    DatasetError
        If a file is missing from ``folder``, cannot be read or is damaged (such a one in the cache
        is downloaded again instead), or cannot be downloaded. A symbolic link is read in your own
        folders, but not in the cache.

    Examples
    --------
    >>> from xpnet.datasets import load_mnist
    >>> (x_train, t_train), (x_test, t_test) = load_mnist()  # doctest: +SKIP
    >>> x_train.shape, t_train.shape  # doctest: +SKIP
    ((60000, 784), (60000,))
    """
    return _load(MNIST, normalize, flatten, one_hot_label, folder)


def load_fashion_mnist(
    normalize: bool = True,
    flatten: bool = True,
    one_hot_label: bool = False,
    *,
    folder: str | os.PathLike[str] | None = None,
) -> ImageSet:
    """Load Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017): pictures of clothes, as MNIST's.

    The classes are T-shirt/top, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag and
    ankle boot. The files have the same names as MNIST's and are looked for as in
    :func:`load_mnist`, in subfolders ``fashion-mnist``; the folder of Debian's package
    ``dataset-fashion-mnist`` is looked at before the cache.

    Parameters
    ----------
    normalize, flatten, one_hot_label, folder
        As in :func:`load_mnist`.

    Returns
    -------
    (x_train, t_train), (x_test, t_test)
        As in :func:`load_mnist`.

    Raises
    ------
    DatasetError
        As in :func:`load_mnist`.

    Examples
    --------
    >>> from xpnet.datasets import load_fashion_mnist
    >>> (x_train, t_train), (x_test, t_test) = load_fashion_mnist()  # doctest: +SKIP
    """
    return _load(FASHION_MNIST, normalize, flatten, one_hot_label, folder)


def _load(
    collection: Collection,
    normalize: bool,
    flatten: bool,
    one_hot_label: bool,
    folder: str | os.PathLike[str] | None,
) -> ImageSet:
    (train_images, train_labels, test_images, test_labels) = (
        parse_idx(content, ndim, path)
        for name, ndim in (
            ("train-images-idx3-ubyte", 3),
            ("train-labels-idx1-ubyte", 1),
            ("t10k-images-idx3-ubyte", 3),
            ("t10k-labels-idx1-ubyte", 1),
        )
        for path, content in [load_file(collection, name, folder)]
    )
    return as_image_set(
        (train_images, train_labels),
        (test_images, test_labels),
        brightest=_BRIGHTEST,
        normalize=normalize,
        flatten=flatten,
        one_hot_label=one_hot_label,
    )
