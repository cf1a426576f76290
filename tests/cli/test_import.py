"""The import command: a design file on standard output or in a file, what was assumed on standard error."""

import io
from pathlib import Path

import pytest

from mnistnet.cli.program import main
from mnistnet.nets import architecture as designs

TABLE = "Conv2d-1 [-1, 8, 28, 28] 72\nMaxPool2d-2 [-1, 8, 14, 14] 0\nConv2d-3 [-1, 10, 14, 14] 80\n"


@pytest.fixture
def printout(tmp_path: Path) -> str:
    path = tmp_path / "printout.txt"
    path.write_text(TABLE)
    return str(path)


def test_the_design_file_is_printed_and_what_was_assumed_is_said(
    printout: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", printout, "--name", "theirs"]) == 0
    said = capsys.readouterr()
    design = designs.parse(said.out)
    assert (design.name, [layer.type for layer in design.layers]) == (
        "theirs",
        ["conv", "maxpool", "conv", "globalavgpool"],
    )
    assert said.err == "mnistnet: the table ends with 10×14×14: a global average pool is added\n"


def test_standard_input_is_read_and_a_file_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TABLE.encode()), encoding="utf-8"))
    path = tmp_path / "design.json"
    assert main(["import", "-", "--output", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: 4 layers\n"
    assert len(designs.load(path).layers) == 4


def test_a_file_that_exists_is_not_replaced(printout: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", printout, "--output", printout]) == 2
    assert "exists already: nothing was written" in capsys.readouterr().err
    assert Path(printout).read_text("utf-8") == TABLE


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("missing.txt", "mnistnet: printout 'missing.txt': No such file or directory; give a text file, or -\n"),
        ("a\0b", "mnistnet: printout 'a\\x00b': no file has such a name; give a text file, or -\n"),
        (".", "mnistnet: printout '.': Is a directory; give a text file, or -\n"),
    ],
)
@pytest.mark.posix
def test_what_cannot_be_read_is_named(given: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", given]) == 2
    assert capsys.readouterr() == ("", said)


def test_a_line_that_cannot_be_read_ends_with_exit_code_2(printout: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(printout).write_bytes(TABLE.replace("72", "73").encode() + b"\xff\xfe")
    assert main(["import", printout]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith("mnistnet: printout, line 1: 73 parameters: no convolution from 1 to 8 channels")
