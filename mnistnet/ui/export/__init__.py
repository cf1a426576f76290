"""The panels of the Export page, and downloads of exports on other pages."""
