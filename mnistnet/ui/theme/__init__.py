"""What Streamlit's theme has no setting for."""
