"""Runs outlive whoever started them: the store, the checkpoints, the supervisor and the worker."""
