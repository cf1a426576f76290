"""Hand-ins: a result as one zip file or folder, read from strangers and checked from design and weights alone."""

from mnistnet.handins.checking import check as check
from mnistnet.handins.results import Check as Check
from mnistnet.handins.results import Checked as Checked
