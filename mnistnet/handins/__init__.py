"""Hand-ins: a result as one zip, read from strangers and checked. Runs no code of a hand-in."""
