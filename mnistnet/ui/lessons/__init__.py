"""Lessons in the dashboard."""
