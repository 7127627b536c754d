"""Other packages' metrics and methods: each script runs in an environment of its own."""
