"""The lifecycle of a space: its partitions, its vectors, its index."""
