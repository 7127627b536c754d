"""A catalog and its history in memory, for batches, training and evaluation."""
