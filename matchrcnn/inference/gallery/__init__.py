"""Search for the garments of a photo in a folder of pictures."""
