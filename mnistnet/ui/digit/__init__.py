"""One digit in depth, as the Mistakes and Try a digit pages show it."""
