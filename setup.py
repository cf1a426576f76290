"""What a wheel holds; everything else about the build stands in pyproject.toml.

A wheel carries the dashboard's script, pages and settings as mnistnet/dashboard; a checkout has them at its root,
where `streamlit run streamlit_app.py` finds them.
"""

from setuptools import find_packages, setup

setup(
    script_name="setup.py",  # or pip's own script is taken for it, and this file becomes part of the wheel
    packages=[*find_packages(include=["mnistnet", "mnistnet.*"]), "mnistnet.dashboard", "mnistnet.dashboard.pages"],
    package_dir={"mnistnet.dashboard": ".", "mnistnet.dashboard.pages": "pages"},
)
