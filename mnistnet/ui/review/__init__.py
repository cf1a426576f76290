"""The panels of the Review page."""
