"""The read side: candidates, ranking, filters, explanations."""
