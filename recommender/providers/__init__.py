"""Embedding models as this installation uses them: configured, paced, metered, cached."""
