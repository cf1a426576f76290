"""Lessons: a starting design, rules, locked controls and a text, as a link that a teacher sends."""
