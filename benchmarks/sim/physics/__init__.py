"""The cloth simulator held against physics that can be looked up."""
