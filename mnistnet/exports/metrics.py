"""The epochs of a run as a table of text."""

import csv
import io
from dataclasses import fields

from mnistnet.exports.material import Material
from mnistnet.training.progress import EpochDone

COLUMNS = tuple(field.name for field in fields(EpochDone))


def comma_separated(material: Material) -> bytes:
    """One line an epoch, under a line with the names of the figures; accuracies are shares of 1, times seconds.

    UTF-8, lines end with CRLF (RFC 4180). NeedsRun for a design without a run.
    """
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, extrasaction="ignore")
    table.writeheader()
    table.writerows(vars(row) for row in material.required("csv").metrics)
    return text.getvalue().encode()
