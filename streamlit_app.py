"""The dashboard: `streamlit run streamlit_app.py`."""

from mnistnet.ui import app

app.run()
