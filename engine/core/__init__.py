"""Ground floor: types, errors, mesh helpers, safe file reading, artifact store."""
