"""Learning from a catalogue's history: behaviour spaces, neighbours, rankers, and the gate."""
