"""How well two colours stand apart, and the grounds that the dashboard draws on. No test of its own.

Relative luminance and contrast ratio: Web Content Accessibility Guidelines 2.2, section "Terms".
"""

import tomllib
from pathlib import Path

TEXT, GRAPHICS = 4.5, 3.0  # what WCAG 2.2 asks for at level AA, criteria 1.4.3 and 1.4.11

_THEME = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text())["theme"]
GROUNDS: dict[str, str] = {name: _THEME[name]["backgroundColor"] for name in ("light", "dark")}
CATEGORIES: list[str] = _THEME["chartCategoricalColors"]


def contrast(one: str, other: str) -> float:
    """1 for the same colour, 21 for black on white."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def blend(colour: str, opacity: float, ground: str) -> str:
    """What is seen where a see-through colour lies on a ground."""
    pairs = zip(_channels(colour), _channels(ground), strict=True)
    return "#" + "".join(f"{round(255 * (opacity * top + (1 - opacity) * below)):02x}" for top, below in pairs)


def weakest(colour: str, opacity: float = 1.0) -> float:
    """Its contrast on the ground that suits it least."""
    return min(contrast(blend(colour, opacity, ground), ground) for ground in GROUNDS.values())


def _luminance(colour: str) -> float:
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in _channels(colour)]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _channels(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
