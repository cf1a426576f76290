"""Printouts of both printers give the design that printed them, as far as it is printed; what is not is said."""

import contextlib
import io
import random
import time
from pathlib import Path

import pytest
import torchinfo

from mnistnet.errors import BadInput
from mnistnet.nets.architecture import Architecture
from mnistnet.nets.network import build
from mnistnet.nets.presets import PRESETS
from mnistnet.nets.printouts import reading
from mnistnet.nets.printouts.table import PrintoutError
from mnistnet.nets.summary import summarize
from tests.support.random_designs import designs

SHARED = Path(__file__).parents[4] / "shared" / "reference"
COURSE = [name for name in PRESETS if name.startswith("course-")]
KERNELS = ("input_size", "output_size", "num_params", "kernel_size", "mult_adds", "trainable")
PLAIN = ("output_size", "num_params")

# The table that the assignment's answer of 10,216 parameters printed, in the form of torchsummary.
LONG = """
        Layer (type)               Output Shape         Param #
================================================================
            Conv2d-1           [-1, 16, 28, 28]             160
              ReLU-2           [-1, 16, 28, 28]               0
       BatchNorm2d-3           [-1, 16, 28, 28]              32
         MaxPool2d-4           [-1, 16, 14, 14]               0
            Conv2d-5           [-1, 10, 14, 14]             160
 AdaptiveAvgPool2d-6             [-1, 10, 1, 1]               0
================================================================
Total params: 352
"""


def by_torchinfo(architecture: Architecture, columns: tuple[str, ...] = PLAIN, **options: object) -> str:
    shape = (1, 1, 28, 28)
    return str(
        torchinfo.summary(build(architecture), input_size=shape, verbose=0, device="cpu", col_names=columns, **options)
    )


def by_torchsummary(architecture: Architecture) -> str:
    torchsummary = pytest.importorskip("torchsummary", reason="torchsummary is not installed")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        torchsummary.summary(build(architecture), (1, 28, 28), device="cpu")
    return printed.getvalue()


def changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


def rows(architecture: Architecture) -> list[tuple[str, int, int, int]]:
    """What a table says of a design. A depthwise convolution of one channel is a convolution of one channel."""
    kinds = [
        (row, "conv" if row.type == "depthwise" and row.channels == 1 else row.type)
        for row in summarize(architecture).rows
    ]
    return [(kind, row.channels, row.size, row.params) for row, kind in kinds]


def reread(architecture: Architecture, columns: tuple[str, ...]) -> Architecture | str:
    """The design that its printout gives, or why it is refused."""
    try:
        return reading.read(by_torchinfo(architecture, columns)).architecture
    except PrintoutError as error:
        return str(error)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("columns", [PLAIN, KERNELS], ids=["plain", "with kernels"])
def test_every_preset_comes_back_from_torchinfo_up_to_its_rates(name: str, columns: tuple[str, ...]) -> None:
    printed = by_torchinfo(PRESETS[name].architecture, columns)
    assert reading.read(printed).architecture.layers == PRESETS[name].architecture.layers


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_comes_back_from_torchsummary(name: str) -> None:
    printed = by_torchsummary(PRESETS[name].architecture)
    assert reading.read(printed).architecture.layers == PRESETS[name].architecture.layers


def test_200_random_designs_come_back_as_something_that_prints_the_same() -> None:
    found = {architecture: reread(architecture, KERNELS) for architecture in designs(200, seed=11)}
    refused = [one for one in found.values() if isinstance(one, str)]
    assert [one for one in refused if "fit a " not in one] == []  # only layers of equal count are in doubt
    assert len(refused) < 10
    different = [one for one, again in found.items() if not isinstance(again, str) and rows(again) != rows(one)]
    assert different == []


def test_without_kernel_sizes_a_line_in_doubt_is_refused_or_noted() -> None:
    found = {architecture: reread(architecture, PLAIN) for architecture in designs(60, seed=12)}
    refused = [one for one in found.values() if isinstance(one, str)]
    assert [one for one in refused if "line " not in one or not ("prints so" in one or "fit a " in one)] == []
    different = [one for one, again in found.items() if not isinstance(again, str) and rows(again) != rows(one)]
    assert different == []


@pytest.mark.skipif(not SHARED.is_dir(), reason="the published texts are not beside the project")
@pytest.mark.parametrize("name", COURSE)
def test_every_published_text_pastes_in_and_gives_its_preset(name: str) -> None:
    preset = PRESETS[name]
    texts = [file.read_bytes().decode() for file in sorted(SHARED.glob("*.txt"))]
    (text,) = [text for text in texts if f"Total params: {preset.params:,}" in text]
    assert reading.read(text).architecture.layers == preset.architecture.layers
    for end in ("\r\n", "\r"):
        assert reading.read(end.join(text.splitlines())).architecture.layers == preset.architecture.layers


def test_what_is_not_printed_is_said() -> None:
    notes = reading.read(by_torchsummary(PRESETS["course-19122"].architecture)).notes
    assert notes == (
        "line 27: stride 1, padding 0 assumed; stride 2 with padding 1 would print the same",
        "line 28: size 3 assumed; 2 would print the same",
        "dropout rates are not printed: 0.05 is assumed behind convolutions, 0.25 elsewhere",
    )


def test_a_nested_network_in_ascii_with_names_reads_like_a_flat_one() -> None:
    from torch import nn

    flat = build(PRESETS["course-19290"].architecture)
    parts = list(flat)
    nested = nn.Sequential(nn.Sequential(*parts[:5]), nn.Sequential(nn.Sequential(*parts[5:12]), *parts[12:]))
    printed = torchinfo.summary(
        nested, input_size=(1, 1, 28, 28), verbose=0, device="cpu", row_settings=("var_names", "depth", "ascii_only"),
        depth=5,
    )  # fmt: skip
    assert reading.read(str(printed)).architecture.layers == PRESETS["course-19290"].architecture.layers


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("ReLU-2", "GELU-2", "line 5: GELU: a design has no such layer"),
        ("             160\n              ReLU", "             161\n              ReLU", "line 4: 161 parameters: no "),
        ("[-1, 16, 28, 28]             160", "[-1, 16, 28, 27]             160", "line 4: output [16, 28, 27]"),
        ("[-1, 16, 14, 14]", "[-1, 16, 40, 40]", "line 7: MaxPool2d from 16×28×28 to 16×40×40"),
        ("              32\n", "              16\n", "line 6: BatchNorm2d with 16 parameters: it has 32 in a design"),
        ("Total params: 352", "Total params: 353", "line 11: 353 parameters in all, and the rows above have 352"),
        ("[-1, 10, 1, 1]", "[-1, 10, 2, 2]", "line 9: AdaptiveAvgPool2d to [10, 2, 2]: a design has it to 10×1×1"),
        ("MaxPool2d-4", "MaxPool2d-1", "line 7: a second table begins; paste one network at a time"),
        ("[-1, 16, 28, 28]             160", "[-1, sixteen]             160", "line 4: '[-1, sixteen]' is no output"),
        ("BatchNorm2d-3", "ReLU-3", "line 6: ReLU"),
    ],
)
def test_the_line_that_cannot_be_read_is_named(old: str, new: str, said: str) -> None:
    with pytest.raises(PrintoutError, match="printout, ") as raised:
        reading.read(changed(LONG, old, new))
    assert said in str(raised.value)


def test_two_layers_of_equal_count_are_not_guessed() -> None:
    text = "Conv2d-1 [-1, 9, 28, 28] 81\nConv2d-2 [-1, 9, 28, 28] 81\nConv2d-3 [-1, 10, 28, 28] 90\n"
    with pytest.raises(PrintoutError) as raised:
        reading.read(text)
    assert str(raised.value) == (
        "printout, line 2: 81 parameters fit a convolution 1×1 and a depthwise convolution 3×3: "
        "paste torchinfo's with kernel sizes"
    )


def test_a_text_without_a_table_is_refused() -> None:
    for text in ("", "an accuracy of 99.4 %", "├─", "Conv2d", "x" * 300_000):
        with pytest.raises(PrintoutError):
            reading.read(text)


@pytest.mark.bar("F18")
@pytest.mark.parametrize("count", [2_000, pytest.param(10_000, marks=pytest.mark.long)])
def test_hostile_printouts_are_refused_quickly_or_read_as_a_valid_design(count: int) -> None:
    draw, messages, slowest = random.Random(5), [], 0.0
    whole = [by_torchinfo(PRESETS["course-10040"].architecture, KERNELS), LONG]
    pieces = ["[", "]", "-1", "9" * 400, "├─", "Conv2d: 1-1", "\x00", "\u202e", "Total params:", "--", "(", ",", "\r"]
    for _ in range(count):
        letters = list(draw.choice(whole))
        for _ in range(draw.randint(1, 6)):
            at = draw.randrange(len(letters))
            letters[at : at + draw.choice((0, 1, 40))] = draw.choice(pieces) * draw.choice((1, 1, 3, 50))
        began = time.process_time()
        try:
            found = reading.read("".join(letters), name=draw.choice(["net", "n" * 90, "\n"]))
            assert summarize(found.architecture).fault is None
        except BadInput as error:
            messages.append(str(error))
        slowest = max(slowest, time.process_time() - began)
    assert [one for one in messages if "\n" in one or len(one) > 400] == []
    assert len(messages) > count / 2
    assert slowest < 0.05


@pytest.mark.parametrize(
    "text",
    [
        "├─" * 200_000,
        "\n" * 260_000,
        "Conv2d-1 " + "[" * 260_000,
        "\n".join(f"Conv2d-{n} [-1, 1, 28, 28] 1" for n in range(1, 3000)),
        "│ " * 100_000 + "Conv2d: 1-1 [1, 1, 28, 28] 9",
        "Conv2d-1 [-1, 512, 28, 28] " + "9" * 900,
    ],
    ids=range(6),
)
def test_what_is_large_is_refused_at_once(text: str) -> None:
    began = time.process_time()
    with pytest.raises(PrintoutError):
        reading.read(text)
    assert time.process_time() - began < 0.05
