"""Makes the garment space's training set from the pattern library, and its weights from that."""
