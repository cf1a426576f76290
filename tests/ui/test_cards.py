"""A depthwise convolution and the 1×1 convolution behind it on one card: what it shows, opens to and moves together."""

import pytest
from streamlit.testing.v1 import AppTest

from mnistnet import links
from mnistnet.nets.architecture import Conv, Depthwise, Layer, MaxPool
from mnistnet.nets.presets import PRESETS
from mnistnet.ui.design.layers.cards import cut
from tests.support.pages import button, opened, slider, texts

pytestmark = pytest.mark.usefixtures("still")

SEPARABLE = PRESETS["mnistnet-16k"].architecture
WIDE, ONE = Depthwise(kernel=3, padding=1), Conv(channels=8, kernel=1, after=("batchnorm", "relu"))


def sizes(layers: list[Layer], *open_: str) -> list[int]:
    """The number of layers on each card; the layers are known as a, b, c and so on."""
    return [len(card.ids) for card in cut(layers, "abcdefgh"[: len(layers)], open_)]


@pytest.mark.parametrize(
    ("layers", "cards"),
    [
        ([WIDE, ONE], [2]),
        ([WIDE, WIDE, ONE, ONE, WIDE], [1, 2, 1, 1]),
        ([WIDE, MaxPool(size=2), ONE], [1, 1, 1]),
        ([WIDE, Conv(channels=8, kernel=3)], [1, 1]),
        ([WIDE, Conv(channels=8, kernel=1, stride=2)], [1, 1]),
        ([WIDE, Conv(channels=8, kernel=1, padding=1)], [1, 1]),
    ],
)
def test_a_card_has_a_depthwise_convolution_and_the_plain_1x1_right_behind_it(
    layers: list[Layer], cards: list[int]
) -> None:
    assert sizes(layers) == cards


def test_an_opened_pair_has_two_cards() -> None:
    assert sizes([WIDE, ONE, WIDE, ONE], "a") == [1, 1, 2]


@pytest.mark.parametrize(
    ("first", "headline"),
    [
        (WIDE, "**1–2 · separable 3×3** :gray[:small[ → BN → ReLU]]"),
        (
            Depthwise(kernel=5, stride=2, after=("relu",)),
            "**1–2 · separable 5×5, stride 2** :gray[:small[ → ReLU → 1×1 → BN → ReLU]]",
        ),
    ],
)
def test_a_pair_says_what_it_is(first: Depthwise, headline: str) -> None:
    assert cut([first, ONE], "ab", ())[0].headline == headline


def ids(app: AppTest) -> list[str]:
    found: list[str] = app.session_state["_layer_ids"]
    return found


def menu(app: AppTest, place: int) -> str:
    """Open the menu of the card whose first layer is at `place`; its id."""
    app.session_state[f"more-{ids(app)[place]}"] = True
    app.run()
    return ids(app)[place]


def test_a_separable_convolution_is_one_card_with_the_facts_of_both_and_all_their_settings() -> None:
    app = opened(design=links.encode_design(SEPARABLE))
    assert "**3–4 · separable 3×3**" in texts(app)
    assert "14×14 · 720 params · receptive field 8×8" in texts(app)  # 9 * 16, and 16 * 32 with 2 * 32
    assert "· depthwise" not in texts(app)
    slider(app, "Width of layer 4").set_value(20).run()
    assert app.session_state["_design"].layers[3].channels == 20
    first, second = menu(app, 2), ids(app)[3]
    app.segmented_control(key=f"kernel-{first}").set_value(5).run()
    app.number_input(key=f"channels-exact-{second}").set_value(21).run()
    assert app.session_state["_design"].layers[2].padding == 2
    assert "**3–4 · separable 5×5**" in texts(app)
    assert "14×14 · 778 params" in texts(app)  # 25 * 16, and 16 * 21 with 2 * 21


def test_an_opened_one_stays_open_where_it_moves_until_it_is_closed() -> None:
    app = opened(design=links.encode_design(SEPARABLE))
    first = menu(app, 2)
    button(app, "Open as two cards").click().run()
    assert "**3 · depthwise 3×3**" in texts(app)
    assert "**4 · conv 1×1**" in texts(app)
    menu(app, 2)
    app.button(key=f"up-{first}").click().run()
    app.button(key=f"down-{first}").click().run()
    assert app.session_state["_design"].layers == SEPARABLE.layers
    assert "**3 · depthwise 3×3**" in texts(app)
    button(app, "Close to one card").click().run()
    assert "**3–4 · separable 3×3**" in texts(app)


def test_both_layers_are_moved_duplicated_and_removed_together() -> None:
    app = opened(design=links.encode_design(SEPARABLE))
    first, second, third, fourth = ids(app)[4:8]
    menu(app, 4)
    app.button(key=f"down-{first}").click().run()
    assert ids(app)[4:8] == [third, fourth, first, second]
    app.button(key=f"duplicate-{first}").click().run()
    assert [toast.value for toast in app.toast] == ["Layers 9 and 10 added\\: depthwise convolution and convolution\\."]
    assert "**9–10 · separable 3×3** :gray[:small[ → BN → ReLU]] :blue-badge[new]" in texts(app)
    menu(app, 6)
    app.button(key=f"remove-{first}").click().run()
    assert ids(app)[4:6] == [third, fourth]
    assert "**7–8 · separable 3×3**" in texts(app)
    for _ in range(3):
        button(app, "Undo").click().run()
    assert ids(app)[4:8] == [first, second, third, fourth]
    assert app.session_state["_design"] == SEPARABLE


def test_what_one_works_on_is_not_closed_under_the_hand() -> None:
    app = opened(design="1~c8k3s1p1-0_wk3s1p1-0_c16k3s1p1-0_g_c10k1s1p0-0~n")
    menu(app, 2)
    app.segmented_control(key=f"kernel-{ids(app)[2]}").set_value(1).run()
    assert "**2 · depthwise 3×3**" in texts(app)
    assert "**3 · conv 1×1**" in texts(app)
    assert app.segmented_control(key=f"kernel-{ids(app)[2]}").value == 1
