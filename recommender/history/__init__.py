"""The write side of events: ingest, months, keys."""
