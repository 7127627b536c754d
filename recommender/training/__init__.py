"""Learning from a catalogue's history: spaces, neighbours, rankers, and their selection."""
