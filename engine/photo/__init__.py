"""What a photo of a person gives besides the body: its light, its clothes, and a place for new ones."""
