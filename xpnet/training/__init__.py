"""Training: the loop, what it reached, and steps that are compiled."""

from xpnet.training.compiled import CompiledStep, compile
from xpnet.training.history import Epoch, History
from xpnet.training.loop import Dataset, train

__all__ = ["CompiledStep", "Dataset", "Epoch", "History", "compile", "train"]
