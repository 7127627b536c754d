"""What a catalog and its spaces are like: comparisons."""
