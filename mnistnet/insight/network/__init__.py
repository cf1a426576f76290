"""Results that need the network itself: its layers, gradients and features."""
