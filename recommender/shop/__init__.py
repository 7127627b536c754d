"""The shop at /: pages that show what Kinship does, and a client of its API in process."""
