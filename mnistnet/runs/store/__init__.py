"""SQLite and the run folders: the rows of all runs, their changes of state, their repair."""
