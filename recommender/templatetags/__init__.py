"""What templates ask beside their context."""
