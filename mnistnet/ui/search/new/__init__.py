"""The form of a new search."""
