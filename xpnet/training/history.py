"""What a training run reached, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Epoch", "History"]


@dataclass(frozen=True)
class Epoch:
    """One pass over the training set, or the part of one at which training ended.

    Attributes
    ----------
    number : int
        From 1.
    iterations : int
        Steps taken since the beginning.
    loss : float
        The mean loss of the epoch's batches.
    train_accuracy, test_accuracy : float
        From 0 to 1, after the epoch.
    """

    number: int
    iterations: int
    loss: float
    train_accuracy: float
    test_accuracy: float

    def __str__(self) -> str:
        return (
            f"epoch {self.number:3d}  loss {self.loss:.4f}  "
            f"train accuracy {self.train_accuracy:7.2%}  test accuracy {self.test_accuracy:7.2%}"
        )


@dataclass
class History:
    """The course of a training run.

    Attributes
    ----------
    losses : list of float
        The loss of every step.
    epochs : list of Epoch
        The accuracies after every epoch.
    seconds : float
        Spent in training steps, without measuring accuracies.
    interrupted : bool
        Whether the run was ended by Ctrl-C.
    """

    losses: list[float] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def iterations(self) -> int:
        """How many steps were taken."""
        return len(self.losses)

    @property
    def seconds_per_step(self) -> float:
        """The mean time of a step; 0 if there was none."""
        return self.seconds / max(self.iterations, 1)
