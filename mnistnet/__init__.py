"""mnistnet: design, train and inspect tiny MNIST networks under a parameter budget."""

__version__ = "0.1.0"
