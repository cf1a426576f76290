"""Rows in, Altair charts out. No Streamlit, no files, no torch."""
