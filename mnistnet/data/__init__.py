"""Verified data sets, their splits, and the augmentation of training images."""
