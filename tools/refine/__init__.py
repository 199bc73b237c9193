"""Makes what the picture-refining network learns from: dressed bodies, and pairs of drawn and path-traced pictures."""
