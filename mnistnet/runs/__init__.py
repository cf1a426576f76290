"""Runs: the store, their files, and the processes that train them."""
