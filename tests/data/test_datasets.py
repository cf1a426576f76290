"""The data sets by name: where they are looked for, what comes back, and the offline sample."""

import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from mnistnet.data import datasets, files
from mnistnet.data.datasets import OFFLINE, SOURCES, Dataset, UnknownDataset, is_here, load, load_test, root, source
from mnistnet.data.files import NAMES, DataError
from tests.support import idx, strangers


@pytest.fixture
def fashion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small Fashion-MNIST in $MNISTNET_DATA, and no network; the folder of its files."""
    idx.shrink(monkeypatch)
    idx.unplug(monkeypatch)
    monkeypatch.setenv("MNISTNET_DATA", str(tmp_path))
    return idx.write(tmp_path / "FashionMNIST" / "raw")


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits")


# By name.


def test_there_are_four_data_sets() -> None:
    assert list(SOURCES) == ["mnist", "fashion", "kmnist", "digits"]


@pytest.mark.parametrize("name", SOURCES)
def test_each_has_ten_classes_with_names_of_their_own(name: str) -> None:
    assert len(set(source(name).classes)) == 10


@pytest.mark.parametrize("call", [source, is_here, load, load_test])
def test_an_unknown_name_is_told_with_those_there_are(call: object) -> None:
    assert callable(call)
    with pytest.raises(UnknownDataset, match=r"^data set 'cifar\\n': choose one of mnist, fashion, kmnist, digits$"):
        call("cifar\n")


def test_data_lies_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MNISTNET_DATA", str(tmp_path))
    assert datasets.folder(source("fashion")) == tmp_path / "FashionMNIST" / "raw"


@pytest.mark.parametrize("value", [None, ""])
def test_without_a_word_from_the_environment_data_lies_here(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MNISTNET_DATA", raising=False)
    if value is not None:
        monkeypatch.setenv("MNISTNET_DATA", value)
    assert root() == Path("data")


def test_importing_imports_no_torch() -> None:
    code = "import sys, mnistnet.data.datasets, mnistnet.data.splits; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# From files.


def test_the_files_arrays_come_back(fashion: Path) -> None:
    loaded = load("fashion")
    assert loaded.source is source("fashion")
    assert (loaded.train_images.shape, loaded.train_labels.shape) == ((24, 28, 28), (24,))
    assert (loaded.test_images.shape, loaded.test_labels.shape) == ((5, 28, 28), (5,))
    assert loaded.test_labels.tobytes() == (fashion / NAMES[3]).read_bytes()[8:]


def test_complete_files_are_here(fashion: Path) -> None:
    assert is_here("fashion")


def test_truncated_files_are_not_here(fashion: Path) -> None:
    (fashion / NAMES[0]).write_bytes((fashion / NAMES[0]).read_bytes()[:-1])
    assert not is_here("fashion")


LOOK = """
from mnistnet.data import datasets, files
from tests.support import idx
files._SHAPES.update(idx.SHAPES)
for call in (datasets.is_here, datasets.load_test, lambda name: datasets.load(name, fetch=False)):
    try:
        print("read", call("fashion"))
    except files.DataError as error:
        print(error)
"""


@pytest.mark.posix
@pytest.mark.parametrize("closed", ["file", "folder"])
def test_files_that_are_closed_to_the_user_are_named_with_the_way_out(closed: str) -> None:
    with strangers.open_to_all() as place:
        raw = idx.write(place / "FashionMNIST" / "raw")
        file = raw / NAMES[2 if closed == "file" else 0]
        (file if closed == "file" else raw).chmod(0)
        said = strangers.said(LOOK, before="from tests.support import idx", MNISTNET_DATA=str(place))
        problem = f"{file}: Permission denied: make it readable, or set MNISTNET_DATA to another folder"
        remedy = "`python -m mnistnet data --dataset fashion` fetches and verifies it"
        named = problem.replace(NAMES[0], NAMES[2]) if closed == "folder" else problem
        assert said.splitlines() == [problem, f"{named}: {remedy}", f"{problem}: {remedy}"]


def test_looking_whether_files_are_here_creates_nothing(fashion: Path, tmp_path: Path) -> None:
    assert not is_here("kmnist")
    assert [path.name for path in tmp_path.iterdir()] == ["FashionMNIST"]


@pytest.mark.bar("E3")
def test_missing_files_are_told_with_the_way_out(fashion: Path) -> None:
    message = (
        r"KMNIST/raw/train-images-idx3-ubyte: missing, and no copy could be fetched .*MNISTNET_DATA.*--dataset digits; "
        r"`python -m mnistnet data --dataset kmnist` tries again$"
    )
    with pytest.raises(DataError, match=message):
        load("kmnist")


@pytest.mark.bar("F9")
def test_a_damaged_file_is_replaced_where_a_copy_can_be_reached(fashion: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_fetch", lambda dataset, place: idx.write(place, seed=1))
    (fashion / NAMES[0]).write_bytes(b"")
    load("fashion")
    assert is_here("fashion")


def test_good_files_are_not_fetched_again(fashion: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*_: object) -> NoReturn:
        raise AssertionError("fetched")

    monkeypatch.setattr(files, "_fetch", fetch)
    load("fashion")


def test_the_test_part_needs_no_training_files(fashion: Path) -> None:
    whole = load("fashion")
    (fashion / NAMES[0]).unlink()
    images, labels = load_test("fashion")
    assert np.array_equal(images, whole.test_images)
    assert np.array_equal(labels, whole.test_labels)


def test_the_test_part_is_never_fetched(fashion: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_fetch", lambda dataset, place: idx.write(place))
    (fashion / NAMES[2]).unlink()
    with pytest.raises(DataError, match=r"t10k-images-idx3-ubyte: missing: `python -m mnistnet data --dataset fa"):
        load_test("fashion")


# MNIST itself.


@pytest.fixture(scope="module")
def mnist() -> Dataset:
    return load("mnist")


@pytest.mark.mnist
def test_mnist_has_60_000_and_10_000_images(mnist: Dataset) -> None:
    assert (mnist.train_images.shape, mnist.train_labels.shape) == ((60_000, 28, 28), (60_000,))
    assert (mnist.test_images.shape, mnist.test_labels.shape) == ((10_000, 28, 28), (10_000,))


@pytest.mark.mnist
def test_mnist_has_its_known_numbers_of_each_digit(mnist: Dataset) -> None:
    train = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    test = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert [np.bincount(mnist.train_labels).tolist(), np.bincount(mnist.test_labels).tolist()] == [train, test]


@pytest.mark.mnist
def test_mnist_begins_with_its_known_digits(mnist: Dataset) -> None:
    assert mnist.train_labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.test_labels[:5].tolist() == [7, 2, 1, 0, 4]


@pytest.mark.mnist
def test_mnists_mean_and_deviation_are_of_its_training_pixels(mnist: Dataset) -> None:
    pixels = mnist.train_images / np.float32(255)
    stated = (mnist.source.mean, mnist.source.std)
    assert (float(pixels.mean(dtype=np.float64)), float(pixels.std(dtype=np.float64))) == pytest.approx(
        stated, abs=5e-5
    )


@pytest.mark.mnist
def test_mnists_ink_is_bright_on_dark(mnist: Dataset) -> None:
    assert mnist.test_images[:, 0].max() == 0
    assert mnist.test_images[:, 14].max() == 255


@pytest.mark.mnist
def test_mnists_test_part_alone_is_the_same(mnist: Dataset) -> None:
    images, labels = load_test("mnist")
    assert np.array_equal(images, mnist.test_images)
    assert np.array_equal(labels, mnist.test_labels)


@pytest.mark.mnist
def test_mnists_stated_totals_are_its_own(mnist: Dataset) -> None:
    assert (mnist.source.train_total, mnist.source.test_total) == (len(mnist.train_labels), len(mnist.test_labels))


# The offline sample.


def test_the_sample_is_always_here() -> None:
    assert is_here("digits")


def test_the_sample_needs_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNISTNET_DATA", str(tmp_path / "nowhere"))
    idx.unplug(monkeypatch)
    assert len(load("digits").train_labels) == 1500
    assert list(tmp_path.iterdir()) == []


def test_the_sample_says_that_it_is_not_mnist() -> None:
    assert "not MNIST" in OFFLINE.title


def test_the_sample_is_shaped_like_mnist(digits: Dataset) -> None:
    assert (digits.train_images.shape, digits.train_labels.shape) == ((1500, 28, 28), (1500,))
    assert (digits.test_images.shape, digits.test_labels.shape) == ((297, 28, 28), (297,))
    assert {array.dtype for array in (digits.train_images, digits.test_labels)} == {np.dtype(np.uint8)}


def test_the_samples_stated_totals_are_its_own(digits: Dataset) -> None:
    assert (OFFLINE.train_total, OFFLINE.test_total) == (len(digits.train_labels), len(digits.test_labels))


def test_the_samples_parts_hold_all_ten_digits(digits: Dataset) -> None:
    assert set(digits.train_labels) == set(digits.test_labels) == set(range(10))


def test_the_samples_digits_stand_in_the_middle_20_pixels(digits: Dataset) -> None:
    margin = np.ones((28, 28), bool)
    margin[4:24, 4:24] = False
    assert digits.train_images[:, margin].max() == 0
    assert (digits.train_images.min(), digits.train_images.max()) == (0, 255)


def test_the_samples_digits_keep_their_shape(digits: Dataset) -> None:
    from sklearn.datasets import load_digits

    small = load_digits().images[:1500].reshape(1500, 64)
    blocks = digits.train_images[:, 4:24, 4:24].reshape(1500, 4, 5, 4, 5)  # 20 / 8 is no whole number: compare 4 x 4
    ours = blocks.mean((2, 4)).reshape(1500, 16)
    theirs = small.reshape(1500, 4, 2, 4, 2).mean((2, 4)).reshape(1500, 16)
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.98


def test_the_sample_is_scikit_learns_digit_by_digit(digits: Dataset) -> None:
    """Its file is read without its loader: another version of it may lay it elsewhere or write it otherwise."""
    from sklearn.datasets import load_digits

    targets = load_digits().target
    assert np.concatenate([digits.train_labels, digits.test_labels]).tolist() == targets.tolist()


def test_the_sample_is_loaded_without_importing_scikit_learn() -> None:
    script = "import sys; from mnistnet.data import datasets; datasets.load('digits'); print('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout.split() == [b"False"]


def test_the_samples_mean_and_deviation_are_of_its_training_pixels(digits: Dataset) -> None:
    pixels = digits.train_images / 255
    assert (pixels.mean(), pixels.std()) == pytest.approx((OFFLINE.mean, OFFLINE.std), abs=5e-5)


def test_the_sample_is_the_same_each_time(digits: Dataset) -> None:
    assert np.array_equal(load("digits").train_images, digits.train_images)


def test_the_samples_test_part_alone_is_the_same(digits: Dataset) -> None:
    images, labels = load_test("digits")
    assert np.array_equal(images, digits.test_images)
    assert np.array_equal(labels, digits.test_labels)
