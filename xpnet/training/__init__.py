"""Training: the loop, and what it reached."""

from xpnet.training.history import Epoch, History
from xpnet.training.loop import Dataset, train

__all__ = ["Dataset", "Epoch", "History", "train"]
