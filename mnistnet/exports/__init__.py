"""A design or run as files that open without mnistnet: one module a format, `formats.py` has the table."""
