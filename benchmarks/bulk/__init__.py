"""Rows a second, and memory, of what is sent by line."""
