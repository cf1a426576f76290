"""Verified data sets, their splits, and digits from outside brought to their form."""
