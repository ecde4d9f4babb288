"""Training steps that are compiled, a file for each library; and what they have in common.

What cannot be compiled right is run eagerly, with a warning that says why.
"""

from xpnet.compiled.step import CompiledStep, compile

__all__ = ["CompiledStep", "compile"]
