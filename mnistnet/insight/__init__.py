"""What a trained network gets right and wrong, and how sure that is."""
