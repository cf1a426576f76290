"""Evaluation of runs and explanation of networks."""
