"""What hosted providers speak: their protocols, models, options and errors."""
