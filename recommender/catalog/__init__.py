"""The write side of products: catalogues, upserts, imports."""
