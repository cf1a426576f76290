"""Where a design comes from: a preset, a run, a file, this browser; and what it is called."""
