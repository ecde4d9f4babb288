"""How far the backends' numbers are from exact ones and from each other, op by op.

``python -m xpnet.testing.parity PAGE`` measures all backends that can be used and writes a page
about it; hypothesis must be installed.
"""

from xpnet.testing.parity.curves import Yardstick, curve
from xpnet.testing.parity.errors import Error, Trial, measure, op_cases, trials_of, worst

__all__ = [
    "Error",
    "Trial",
    "Yardstick",
    "curve",
    "measure",
    "op_cases",
    "trials_of",
    "worst",
]
