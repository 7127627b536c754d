"""Embedding models as this installation uses them: configured, rate-limited, metered, cached."""
