"""Rivals that only the long comparison has; PyTorch and JAX are in ``xpnet.bench.rivals``."""
