"""The edits that a browser sends from the network editor: untrusted, each made once."""

import pytest

from mnistnet.ui.design.network_editor.component import received

WIDER = {"op": "set", "layer": "a", "field": "channels", "value": 24}


def test_an_edit_is_read_once() -> None:
    sent = [WIDER | {"n": 1}, WIDER | {"n": 2}]
    assert [edit.n for edit in received(sent, after=1)] == [2]


@pytest.mark.parametrize(
    "sent",
    [
        None,
        {},
        "edits",
        [None],
        [{}],
        [WIDER],
        [WIDER | {"n": 0}],
        [WIDER | {"n": True}],
        [WIDER | {"n": 1, "value": "24"}],
        [WIDER | {"n": 1, "field": "version"}],
        [WIDER | {"n": 1, "op": "eval"}],
        [WIDER | {"n": 1, "layer": "a" * 17}],
        [WIDER | {"n": 1, "more": 1}],
        [{"n": 1, "op": "insert", "layer": "a", "type": "attention"}],
        [{"n": 1, "op": "move", "layer": "a", "to": -1}],
        [WIDER | {"n": number} for number in range(1, 102)],
    ],
)
def test_what_is_no_edit_is_refused_in_one_sentence(sent: object) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        received(sent, after=0)
