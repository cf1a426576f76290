"""The data sets by name: where they lie, what they are called, and their images as arrays.

Refuses to know torch and splits. Verification and download are `files`' work.
"""

import os
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mnistnet.data import files
from mnistnet.data.files import DataError
from mnistnet.errors import BadInput

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

DIGIT_NAMES = tuple("0123456789")
_GARMENTS = "T-shirt Trouser Pullover Dress Coat Sandal Shirt Sneaker Bag Boot"
_KANA = "お き す つ な は ま や れ を"


class UnknownDataset(BadInput):
    """A name that no data set has."""


@dataclass(frozen=True)
class Source:
    """A data set as it can be asked for. `mean` and `std` are of its training pixels over 255."""

    name: str
    title: str
    folder: str
    mean: float
    std: float
    classes: tuple[str, ...] = DIGIT_NAMES
    sha256: dict[str, str] = field(default_factory=dict, hash=False)
    train_total: int = 60_000
    test_total: int = 10_000


SOURCES = {
    source.name: source
    for source in (
        Source(
            "mnist",
            "MNIST",
            "MNIST",
            mean=0.1307,
            std=0.3081,
            sha256={
                "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            },
        ),
        Source("fashion", "Fashion-MNIST", "FashionMNIST", 0.2860, 0.3530, tuple(_GARMENTS.split())),
        Source("kmnist", "Kuzushiji-MNIST", "KMNIST", 0.1918, 0.3483, tuple(_KANA.split())),
        Source(
            "digits",
            "Offline sample (scikit-learn digits, not MNIST)",
            folder="",
            mean=0.1573,
            std=0.2922,
            train_total=1_500,
            test_total=297,
        ),
    )
}
OFFLINE = SOURCES["digits"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images (n, 28, 28) uint8, 0 to 255, ink bright on dark; labels (n,) uint8, 0 to 9."""

    source: Source
    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes


def source(name: str) -> Source:
    """The data set called `name`; UnknownDataset lists the names there are."""
    try:
        return SOURCES[name]
    except KeyError:
        raise UnknownDataset(f"data set {name!a}: choose one of {', '.join(SOURCES)}") from None


def root() -> Path:
    """The folder that holds `MNIST/raw` and those of other data sets: $MNISTNET_DATA, or `data` where we stand."""
    return Path(os.environ.get("MNISTNET_DATA") or "data")


def folder(chosen: Source) -> Path:
    """The folder of the four files of `chosen`."""
    return root() / chosen.folder / "raw"


def is_here(name: str) -> bool:
    """True where the files lie in place with their sizes right. Quick: no hash, no download.

    Raises DataError where they are closed to this user.
    """
    chosen = source(name)
    return chosen is OFFLINE or files.complete(folder(chosen))


def load(name: str, *, fetch: bool = True) -> Dataset:
    """The whole data set, every file verified; where one is missing or damaged, downloaded first if `fetch`.

    Raises UnknownDataset for a name that no data set has, DataError where the files cannot be had.
    """
    chosen = source(name)
    if chosen is OFFLINE:
        return _offline_sample()
    place = folder(chosen)
    try:
        files.verify(place, chosen.sha256)
    except DataError as problem:
        if not fetch:
            raise _with_remedy(problem, name) from None
        _fetch(chosen, place, problem)
    return Dataset(chosen, *(files.read_idx(place / name) for name in files.NAMES))


def load_test(name: str) -> tuple[Bytes, Bytes]:
    """Test images and labels alone, for looking at predictions; as `load`, but never downloads."""
    chosen = source(name)
    if chosen is OFFLINE:
        sample = _offline_sample()
        return sample.test_images, sample.test_labels
    place = folder(chosen)
    names = [name for name in files.NAMES if name.startswith("t10k")]
    try:
        files.verify(place, chosen.sha256, names)
    except DataError as problem:
        raise _with_remedy(problem, name) from None
    images, labels = (files.read_idx(place / name) for name in names)
    return images, labels


def _fetch(chosen: Source, place: Path, problem: DataError) -> None:
    try:
        files.download(place, chosen.folder, chosen.sha256, problem)
    except DataError as error:
        raise DataError(f"{error}; `python -m mnistnet data --dataset {chosen.name}` tries again") from None


def _with_remedy(problem: DataError, name: str) -> DataError:
    return DataError(f"{problem}: `python -m mnistnet data --dataset {name}` fetches and verifies it")


def _offline_sample() -> Dataset:
    """scikit-learn's 1,797 digits of 8x8, enlarged to 20x20 and centred as MNIST's are; 297 for testing."""
    from PIL import Image

    # The file itself: importing scikit-learn for its loader takes longer than importing torch.
    package = find_spec("sklearn")
    assert package is not None
    assert package.origin is not None
    table = np.loadtxt(Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz", delimiter=",")
    smalls, digits = table[:, :-1].reshape(-1, 8, 8), table[:, -1]
    images = np.zeros((len(smalls), 28, 28), np.uint8)
    for image, small in zip(images, smalls, strict=True):
        grey = Image.fromarray((small * (255 / 16)).astype(np.uint8))
        image[4:24, 4:24] = np.asarray(grey.resize((20, 20), Image.Resampling.BICUBIC))
    labels = digits.astype(np.uint8)
    return Dataset(OFFLINE, images[:1500], labels[:1500], images[1500:], labels[1500:])
