"""Refines drawn pictures towards path-traced ones with a small network that corrects light and never colour."""
