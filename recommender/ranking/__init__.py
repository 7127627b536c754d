"""From candidates to a ranked list that says why. Numbers in, numbers out."""
