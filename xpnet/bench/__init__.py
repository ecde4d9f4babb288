"""How fast xpnet is on a machine, beside the book's computation, rivals and the limit.

``python -m xpnet bench`` runs the short form; ``benchmarks/`` in the repository the long one.
Nothing here is imported before it is asked for.
"""
