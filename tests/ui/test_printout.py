"""A pasted printout becomes the current design, with what was assumed; one that cannot be read changes nothing."""

import pytest
from streamlit.testing.v1 import AppTest

from mnistnet.nets.presets import FIRST
from mnistnet.runs.store.store import Store
from mnistnet.ui import session
from tests.support.pages import button, opened

pytestmark = pytest.mark.usefixtures("still")
TABLE = """
    Conv2d-1   [-1, 8, 28, 28]    72
    BatchNorm2d-2   [-1, 8, 28, 28]    16
    MaxPool2d-3   [-1, 8, 14, 14]    0
    Conv2d-4   [-1, 10, 14, 14]   80
"""


def pasted(text: str) -> AppTest:
    app = opened()
    app.text_area(key="printout").set_value(text)
    button(app, "Read the printout").click().run()
    return app


def warnings(app: AppTest) -> str:
    return "\n".join(one.value for one in app.warning).replace("\\", "")


def test_a_pasted_printout_becomes_the_design_and_what_was_assumed_is_said(store: Store) -> None:
    app = pasted(TABLE)
    found = app.session_state[session.design.key]
    assert [layer.type for layer in found.layers] == ["conv", "maxpool", "conv", "globalavgpool"]
    assert found.layers[0].after == ("batchnorm", "relu")
    assert "Read from the printout: ReLU is not printed" in warnings(app)
    assert [toast.value.replace("\\", "") for toast in app.toast] == ["4 layers were read from the printout."]


def test_a_line_that_cannot_be_read_is_named_and_the_design_stays(store: Store) -> None:
    app = pasted(TABLE.replace("72", "73"))
    assert app.session_state[session.design.key] == FIRST.architecture
    assert "The printout was not read: printout, line 2: 73 parameters" in warnings(app)
    assert "Conv2d-1" in (app.text_area(key="printout").value or ""), "what was pasted is still there"
