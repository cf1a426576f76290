"""Which layers a card of the layer editor shows: one, or a depthwise convolution with the 1×1 convolution behind it.

Such a pair is one card until it is opened. Pairs that come about by an edit are open: what one works on stays in place.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import streamlit as st

from mnistnet.nets.architecture import Conv, Depthwise, Layer
from mnistnet.nets.layer_types import SHORT_TITLES, caption
from mnistnet.ui import session
from mnistnet.ui.design.layers import marks


@dataclass(frozen=True)
class Card:
    """The layers of one card, the first of them at `place`, with their ids.

    `is_separable`: the first is a depthwise convolution with a 1×1 convolution behind it, on this card or the next.
    """

    place: int
    ids: tuple[str, ...]
    layers: tuple[Layer, ...]
    is_separable: bool = False

    @property
    def id(self) -> str:
        """The id of the first layer."""
        return self.ids[0]

    @property
    def is_pair(self) -> bool:
        """True for a depthwise convolution together with its 1×1 convolution."""
        return len(self.ids) > 1

    @property
    def main(self) -> tuple[int, str, Layer]:
        """Place, id and layer of the one whose width the card sets: the last."""
        return self.places[-1], self.ids[-1], self.layers[-1]

    @property
    def places(self) -> range:
        """The places of its layers."""
        return range(self.place, self.place + len(self.ids))

    @property
    def numbers(self) -> str:
        """The number of the layer, from 1; of a pair both."""
        return "–".join(str(place + 1) for place in self.places)

    @property
    def headline(self) -> str:
        """What the card shows, in bold, with the steps behind it: `separable 3×3 → BN → ReLU`."""
        first, last = self.layers[0], self.layers[-1]
        title = caption(first)
        steps = [SHORT_TITLES[step] for step in last.steps]
        if self.is_pair:
            title = "separable" + title.removeprefix(SHORT_TITLES[first.type])
            if first.steps:
                steps = [*(SHORT_TITLES[step] for step in first.steps), "1×1", *steps]
        behind = "".join(f" → {step}" for step in steps)
        return f"**{self.numbers} · {title}**" + (f" :gray[:small[{behind}]]" if behind else "")


def cut(layers: Sequence[Layer], ids: Sequence[str], opened: Collection[str]) -> list[Card]:
    """The cards of these layers with these ids, in order; `opened` are the ids of the first layers of open pairs."""
    found, place = list[Card](), 0
    while place < len(layers):
        is_separable = _is_separable(layers[place : place + 2])
        stop = place + (2 if is_separable and ids[place] not in opened else 1)
        found.append(Card(place, tuple(ids[place:stop]), tuple(layers[place:stop]), is_separable))
        place = stop
    return found


def cards() -> list[Card]:
    """The cards of the current design, in order."""
    return cut(session.design.value.layers, session.layer_ids(), marks.opened())


def holder(layer_id: str) -> Card | None:
    """The card that shows the layer; None where there is no such layer."""
    return next((card for card in cards() if layer_id in card.ids), None)


def open_or_close(card: Card) -> None:
    """The button between one card and two for a separable convolution; nothing on any other card."""
    if not card.is_separable:
        return
    label, icon = ("Open as two cards", "unfold_more") if card.is_pair else ("Close to one card", "unfold_less")
    key = f"open-{card.id}"
    st.button(label, icon=f":material/{icon}:", key=key, on_click=marks.toggle_opened, args=(card.id,))


def new_pairs(layers: Sequence[Layer], ids: Sequence[str]) -> set[str]:
    """The first layers' ids of the pairs that an edit makes of layers that were not one, and of which one is here."""
    present = session.layer_ids()
    before = {pair.ids for pair in cut(session.design.value.layers, present, ()) if pair.is_pair}
    after = {pair.ids for pair in cut(layers, ids, ()) if pair.is_pair}
    return {first for first, second in after - before if first in present or second in present}


def _is_separable(pair: Sequence[Layer]) -> bool:
    """True for a depthwise convolution and a 1×1 convolution that reads each of its units."""
    if len(pair) < 2:
        return False
    first, second = pair
    plain = isinstance(second, Conv) and (second.kernel, second.stride, second.padding) == (1, 1, 0)
    return isinstance(first, Depthwise) and plain
