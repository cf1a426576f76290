"""The processes that train: the supervisor of a store, and the worker of each run."""
