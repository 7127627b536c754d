"""Products and events from files: read, convert, stage, merge; bad rows are kept apart."""
