"""What a catalogue and its spaces are like: comparisons."""
