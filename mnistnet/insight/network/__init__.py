"""What is found by looking into a network."""
