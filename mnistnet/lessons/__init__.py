"""Lessons: starting points with locked controls, a text and tasks, which a teacher sends as a link."""
