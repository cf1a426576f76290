"""The only part of mnistnet that imports Streamlit: session state, cached readers, controls, panels."""
