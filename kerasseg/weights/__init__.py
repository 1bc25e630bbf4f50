"""Weights from files: what is in them, and what of it fits."""
