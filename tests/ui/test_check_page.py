"""The page Check a hand-in: uploads, verdicts line by line, the table over several, and garbage."""

import pytest
from streamlit.testing.v1 import AppTest

from mnistnet.runs.store.store import Store
from tests.support.handins import honest, zipped
from tests.support.pages import opened, texts

pytestmark = pytest.mark.usefixtures("still")


def uploaded(*files: tuple[str, bytes]) -> AppTest:
    app = opened("check")
    app.file_uploader[0].set_value([(name, data, "application/zip") for name, data in files]).run()
    assert not app.exception
    return app


def test_without_a_file_it_says_what_is_checked(still: Store) -> None:
    app = opened("check")
    assert "No code of a hand-in is run" in texts(app)
    assert len(app.dataframe) == 0


def test_a_hand_in_is_shown_check_by_check_those_that_fail_first(still: Store) -> None:
    app = uploaded(("a.zip", zipped(honest())))
    assert app.subheader[0].value == "Not passed"
    lines = app.expander[0].markdown[0].value.split("  \n")
    assert lines[0].startswith(":red-badge[:material/close: fails] **at least 99\\.4% on the test set of MNIST**")
    assert all(line.startswith(":green-badge[:material/check: holds]") for line in lines[1:])


def test_several_have_a_table_and_files_of_one_name_are_told_apart(still: Store) -> None:
    data = zipped(honest())
    app = uploaded(("a.zip", data), ("a.zip", data), ("b.zip", b"garbage"))
    table = app.dataframe[0].value
    assert list(table["hand-in"]) == ["a.zip", "a.zip (2)", "b.zip"]
    assert list(table["verdict"]) == ["not passed", "not passed", "no hand-in"]
    assert "log not another's" in table["fails"][0]


@pytest.mark.parametrize("data", [b"", b"garbage", b"PK\5\6" + bytes(18)], ids=["empty", "garbage", "empty zip"])
def test_garbage_is_one_line(still: Store, data: bytes) -> None:
    app = uploaded(("[x](http://a.b).zip", data))
    assert "hand\\-in" in app.expander[0].markdown[0].value
    assert "](http" not in app.expander[0].label
