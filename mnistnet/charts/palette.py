"""One mapping from meaning to colour, legible on light and on dark, told apart by colour-blind eyes.

Tones after Okabe and Ito, "Color Universal Design", 2008, darkened or lightened to 3:1 on both grounds.
"""

from mnistnet.nets.layer_types import LAYER_TYPES, Colour

TRAINING = "#d9730d"
VALIDATION = "#3b7ddd"
TARGET = "#1f9d8b"
LIMIT = "#c0392b"
NEUTRAL = "#7d8796"
HIGHLIGHT = "#d9730d"

# Text on the page's ground; no single tone has 4.5:1 on both. Charts leave their text's colour open.
INK = {"light": "#4a5568", "dark": "#b9c3d1"}

_TONES: dict[Colour, str] = {
    "blue": "#3b7ddd",
    "teal": "#1f9d8b",
    "orange": "#d9730d",
    "purple": "#b6529d",
    "red": "#c0392b",
}
# By layer type, of those that are drawn.
LAYER = {name: _TONES[entry.colour] for name, entry in LAYER_TYPES.items() if entry.colour}
