"""The write side of products: catalogs, upserts, imports."""
