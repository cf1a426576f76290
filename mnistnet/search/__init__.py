"""Searches: many small trainings that vary a design and its recipe, under a budget, and what they found."""
