"""One mapping from meaning to colour, legible on light and on dark, told apart by colour-blind eyes.

Tones after Okabe and Ito, "Color Universal Design", 2008, darkened or lightened to 3:1 on both grounds.
"""

TRAINING = "#d9730d"
VALIDATION = "#3b7ddd"
TARGET = "#1f9d8b"
LIMIT = "#c0392b"
NEUTRAL = "#7d8796"
HIGHLIGHT = "#d9730d"

# Text on the page's ground; no single tone has 4.5:1 on both. Charts leave their text's colour open.
INK = {"light": "#4a5568", "dark": "#b9c3d1"}

LAYER = {
    "conv": "#3b7ddd",
    "depthwise": "#1f9d8b",
    "maxpool": "#d9730d",
    "avgpool": "#b6529d",
    "globalavgpool": "#b6529d",
    "linear": "#c0392b",
}

LAYER_TITLE = {
    "conv": "convolution",
    "depthwise": "depthwise convolution",
    "batchnorm": "batch norm",
    "dropout": "dropout",
    "dropout2d": "channel dropout",
    "maxpool": "max pool",
    "avgpool": "average pool",
    "globalavgpool": "global average pool",
    "linear": "fully connected",
}
