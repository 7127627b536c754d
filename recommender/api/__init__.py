"""The REST API: parse, call one function, serialise."""
