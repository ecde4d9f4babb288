"""Data to learn from: a small set in the package, and MNIST's two families to download."""

from __future__ import annotations

from xpnet.datasets.digits import load_digits
from xpnet.datasets.mnist import load_fashion_mnist, load_mnist

__all__ = ["load_digits", "load_fashion_mnist", "load_mnist"]
