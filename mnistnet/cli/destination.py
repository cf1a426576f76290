"""Where the files of an export go: their paths from --output, and writing all of them or none."""

import os
from pathlib import Path, PurePosixPath

from mnistnet.errors import BadInput
from mnistnet.exports.formats import Files
from mnistnet.runs.files.atomic import write_all_atomic

STANDARD_OUTPUT = "-"


class DestinationTaken(BadInput):
    """A file of this name exists, or a file stands where a folder is needed."""


class OneFileOnly(BadInput):
    """Several files cannot go to standard output."""


def places(files: Files, output: str | None, *, is_folder: bool) -> dict[Path, bytes]:
    """The contents by the path where each goes.

    `output` None: the names of the files in the current folder. An `output` with the main file's ending is the main
    file, and the others lie beside it. Any other is a folder where it is one, ends in a slash, or `is_folder`; else the
    file.
    """
    main, *others = files
    path = Path(output or "")
    ends_alike = bool(path.suffix) and path.suffix.lower() == PurePosixPath(main).suffix
    is_directory = path.is_dir() or (output or "").endswith(("/", os.sep))
    if not is_directory and (ends_alike or not (is_folder or others)):
        return {path: files[main], **{path.parent / name: files[name] for name in others}}
    return {path / name: data for name, data in files.items()}


def require_free(output: str | None, *, overwrite: bool) -> None:
    """Raise DestinationTaken where `output` is a file that must not be replaced: before any work is done."""
    if output and output != STANDARD_OUTPUT and not overwrite and Path(output).is_file():
        raise _taken(Path(output))


def write(contents: dict[Path, bytes], *, overwrite: bool) -> None:
    """Write all files or none; folders are made where they are missing.

    Raises DestinationTaken, WriteError where the disk does not take them; what was there before is intact.
    """
    if not overwrite:
        for path in contents:
            if path.exists() or path.is_symlink():
                raise _taken(path)
    for path in contents:
        if path.is_dir():
            raise DestinationTaken(f"{str(path)!a}: is a folder: nothing was written; choose another --output")
        for folder in path.parents:
            if folder.exists() and not folder.is_dir():
                raise DestinationTaken(f"{str(folder)!a}: is no folder: nothing was written; choose another --output")
    write_all_atomic(contents)


def only(files: Files, form: str) -> bytes:
    """The contents of the one file; OneFileOnly, which names the format `form`, where there are several."""
    if len(files) > 1:
        raise OneFileOnly(f"--output -: {form} gives {len(files)} files ({', '.join(files)}); give a folder")
    return next(iter(files.values()))


def _taken(path: Path) -> DestinationTaken:
    return DestinationTaken(
        f"{str(path)!a}: exists already: nothing was written; add --overwrite or choose another --output"
    )
