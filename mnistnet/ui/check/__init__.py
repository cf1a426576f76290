"""The panels of the Check page."""
