"""The questions that one asks about a design and its run, each answered with a figure."""
