"""Faster copies of single ops, for one array library each.

They mean what the generic ops in ``xpnet.ops`` mean, which they are tested against. A kernel is
a function with the signature of its op, decorated with ``@ops.relu.kernel("numba")``. The adapters
name the modules, and ``xpnet.dispatch`` loads them at the first use.
"""

from xpnet.dispatch import disabled, only, watch

__all__ = ["disabled", "only", "watch"]
