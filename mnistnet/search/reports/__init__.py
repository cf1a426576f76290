"""What is told about a search: how far it is, and its trials as rows."""
