"""All mistakes that people make, and what they must be told: one entry each.

Every entry is committed on every installed backend, inside ``use_backend``, and must raise the
same error there. A text is good if someone who has never seen the code knows what to do: it
names the layer, what was found and what was expected.
"""

from __future__ import annotations

from errors.mistakes.backends import BACKENDS
from errors.mistakes.graphs import GRAPHS
from errors.mistakes.nets import NETS
from errors.mistakes.not_floats import NOT_FLOATS
from errors.mistakes.order import ORDER
from errors.mistakes.settings import GRADIENTS, OPTIMIZERS, SIZES
from errors.mistakes.shapes import AXES, SHAPES
from errors.mistakes.targets import BAD_LABELS, TARGETS
from errors.mistakes.updates import UPDATES

BAD_INPUTS = [
    *NOT_FLOATS,
    *SHAPES,
    *AXES,
    *TARGETS,
    *BAD_LABELS,
    *ORDER,
    *NETS,
    *GRAPHS,
    *SIZES,
    *OPTIMIZERS,
    *UPDATES,
    *GRADIENTS,
    *BACKENDS,
]
