"""Retrieval: the nearest products by vector among those that pass a filter, and its caches."""
