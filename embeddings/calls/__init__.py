"""Making many calls: batched, rate-limited, retried, and what became of each row."""
