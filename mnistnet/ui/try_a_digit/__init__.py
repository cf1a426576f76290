"""The Try a digit page."""
