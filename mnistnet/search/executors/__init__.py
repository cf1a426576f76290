"""Where the trainings of a search run: this machine's queue, or a cluster."""
