"""`python -m mnistnet COMMAND`, and the `mnistnet` command of an installation."""

import sys

from mnistnet.cli.program import main

if __name__ == "__main__":
    sys.exit(main())
