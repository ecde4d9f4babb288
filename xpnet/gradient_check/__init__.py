"""Is a backward the derivative of its forward? Proof by finite differences, for any layer."""

from xpnet.gradient_check.check import check_gradients
from xpnet.gradient_check.report import GradientReport, Verdict, WrongEntry

__all__ = ["GradientReport", "Verdict", "WrongEntry", "check_gradients"]
