"""How often a test does what would rather be done without end: seldom, or in a soak test often."""

from __future__ import annotations

import os

IS_SOAK = os.environ.get("XPNET_SOAK") == "1"


def quick_or_soak(quick: int, soak: int) -> int:
    """Return how often something is done in the quick tests, or under ``nox -s soak``."""
    return soak if IS_SOAK else quick
