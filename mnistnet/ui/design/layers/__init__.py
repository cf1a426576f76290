"""The layers of the current design as cards: their settings, their changes, and what is done to all of them."""
