"""The Receptive fields page."""
