"""Faster copies of single ops, for one array library each.

They mean what the generic ops in ``xpnet.ops`` mean, which they are tested against. Every kernel
module has a dict ``KERNELS`` from the name of an op to a function that takes the op's arguments;
the adapters name the modules, and ``xpnet.dispatch`` loads them at the first use.
"""

from xpnet.dispatch import disabled, only, watch

__all__ = ["disabled", "only", "watch"]
