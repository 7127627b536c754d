"""What users may ask of a shop: to see all that is held about them."""
