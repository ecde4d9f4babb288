"""Computational graphs: recorded values, and nets that are written by their forward."""

from xpnet.graph import graph  # it registers what records
from xpnet.graph.variable import Variable

__all__ = ["Variable", "graph"]
