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
    """The course of a training run; as text, what it reached.

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

    def __str__(self) -> str:
        lines = ["interrupted"] if self.interrupted else []
        measured = 0
        if self.epochs:
            last = self.epochs[-1]
            measured = last.iterations
            lines.append(
                f"after {measured} steps: train accuracy {last.train_accuracy:.2%}, "
                f"test accuracy {last.test_accuracy:.2%}; "
                f"{1e3 * self.seconds_per_step:.3f} ms per step"
            )
        if measured < self.iterations:
            lines.append(f"steps not measured: {self.iterations - measured}")
        return "\n".join(lines) or "no step was taken"

    @property
    def iterations(self) -> int:
        """How many steps were taken."""
        return len(self.losses)

    @property
    def seconds_per_step(self) -> float:
        """The mean time of a step; 0 if there was none."""
        return self.seconds / max(self.iterations, 1)
