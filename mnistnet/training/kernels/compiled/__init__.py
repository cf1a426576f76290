"""Loops compiled for the CPU: arrays in, arrays out; no torch here."""
