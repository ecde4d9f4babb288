"""Faster copies of single ops; the generic ops in :mod:`xpnet.ops` are the truth."""
