"""Local web pages: the viewer of finished looks."""
