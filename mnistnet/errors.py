"""The exception tree. Knows nothing of who raises or shows them.

MnistnetError
 +-- BadInput          what was given cannot be used; nothing was done      (command line: exit 2)
 |    +-- DesignError, RecipeError, LinkError, UnknownRun, UnknownDataset ...
 +-- OperationFailed   the input was fine, the work could not be completed  (command line: exit 1)
      +-- DataError, NoWeights ...
      +-- SaveFailed          what was saved before is intact; try again once the disk takes it
           +-- StoreError, CheckpointError, WriteError

Every message is one line: what was given: what is allowed; what to do.
"""


class MnistnetError(Exception):
    """Root of everything mnistnet raises on purpose."""


class BadInput(MnistnetError):  # noqa: N818 - reads as the sentence it becomes
    """The given value cannot be used."""


class OperationFailed(MnistnetError):  # noqa: N818
    """Valid input, but the machine, the disk or the data did not let it happen."""


class SaveFailed(OperationFailed):
    """The disk did not take or give back what it should; what was saved before is intact."""
