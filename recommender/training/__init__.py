"""Learning from a catalog's history: spaces, neighbours, rankers, and their selection."""
