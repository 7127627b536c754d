"""From a user's history to the vectors that stand for their taste."""
