"""What is told about a search and taken along: how far it is, its trials as rows, its part of a backup."""
