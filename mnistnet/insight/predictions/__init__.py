"""What follows from a run's predictions alone. No torch."""
