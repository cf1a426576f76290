"""Results that need a run's predictions and epochs alone. No torch."""
