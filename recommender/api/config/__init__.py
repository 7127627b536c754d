"""What a catalog is set to, as a document that is applied: read, compared, brought about."""
