"""Whether a net is still what it was when a step was compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from xpnet.layers.changes import is_watched, latest_change
from xpnet.layers.evaluating import is_evaluating
from xpnet.layers.state import mode_of

__all__ = ["Watch", "key_to"]


def key_to(layers: Iterable[Any], depends_on_mode: Callable[[Any], bool]) -> tuple[Any, ...]:
    """Return what is equal for the same layers in the same modes, as far as these count."""
    return tuple(
        (id(layer), getattr(layer, "frozen", ()), depends_on_mode(layer) and mode_of(layer))
        for layer in layers
    )


class Watch:
    """The layers that a step was compiled with, and their modes.

    Parameters
    ----------
    layers : callable
        Returns the layers as they are now.
    depends_on_mode : callable
        Whether the compiled step depends on the mode of a layer.
    """

    def __init__(
        self,
        layers: Callable[[], Iterable[Any]],
        depends_on_mode: Callable[[Any], bool] = lambda _layer: True,
    ) -> None:
        self._layers, self._depends_on_mode = layers, depends_on_mode
        self._seen = latest_change()
        self._kept = list(layers())  # alive, for the key has their identities
        self._key = key_to(self._kept, depends_on_mode)
        self._is_watched = all(map(is_watched, self._kept))
        self._evaluating = is_evaluating()

    @property
    def key(self) -> tuple[Any, ...]:
        """The key to the layers and modes as they were."""
        return self._evaluating, self._key

    def is_current(self) -> bool:
        """Whether nothing is another now."""
        if is_evaluating() is not self._evaluating:
            return False
        change = latest_change()
        if self._is_watched and change is self._seen:
            return True
        if key_to(self._layers(), self._depends_on_mode) != self._key:
            return False
        self._seen = change
        self._is_watched = all(map(is_watched, self._layers()))
        return True
