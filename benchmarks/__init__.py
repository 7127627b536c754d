"""What `make bench` measures: the service under load, next to the same SQL without it."""
