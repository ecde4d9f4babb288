"""A step on NumPy that is recorded once for each shape of a batch, and then replayed."""

from __future__ import annotations

from xpnet.compiled.replayed.step import ReplayedStep

__all__ = ["ReplayedStep"]
