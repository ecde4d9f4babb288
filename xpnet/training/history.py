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
    metric : str
        What was measured after the epoch, such as ``"accuracy"``.
    train_metric : float
        On the training set.
    test_metric : float or None
        On the test set, if there is one.

    Examples
    --------
    >>> print(Epoch(1, 15, 0.75, "accuracy", 0.875, 0.8125))
    epoch   1  loss 0.7500  train accuracy  87.50%  test accuracy  81.25%
    """

    number: int
    iterations: int
    loss: float
    metric: str
    train_metric: float
    test_metric: float | None = None

    def __str__(self) -> str:
        return f"epoch {self.number:3d}  loss {self.loss:.4f}  {self.measured('  ', 7)}"

    @property
    def train_accuracy(self) -> float:
        """From 0 to 1, where the metric is an accuracy."""
        return self._accuracy(self.train_metric)

    @property
    def test_accuracy(self) -> float:
        """From 0 to 1, where the metric is an accuracy and there is a test set."""
        return self._accuracy(self.test_metric)

    def _accuracy(self, value: float | None) -> float:
        if not self._is_accuracy or value is None:
            msg = f"no accuracy was measured, but {self.measured(', ')}"
            raise AttributeError(msg)
        return value

    @property
    def _is_accuracy(self) -> bool:
        return self.metric.endswith("accuracy")

    def measured(self, between: str, width: int = 0) -> str:
        """Return the metric on each set as text."""
        kind = f"{width}.2%" if self._is_accuracy else f"{width}.4f"
        values = {"train": self.train_metric, "test": self.test_metric}
        return between.join(
            f"{name} {self.metric} {value:{kind}}"
            for name, value in values.items()
            if value is not None
        )


@dataclass
class History:
    """The course of a training run; as text, what it reached.

    Attributes
    ----------
    losses : list of float
        The loss of every step.
    epochs : list of Epoch
        What was measured after every epoch.
    seconds : float
        Spent in training steps, without measuring.
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
                f"after {measured} steps: {last.measured(', ')}; "
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
