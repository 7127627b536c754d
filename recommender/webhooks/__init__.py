"""Telling others what happens in a catalog: an outbox, and what sends it."""
