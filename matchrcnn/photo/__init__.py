"""One's own photos: pictures of any kind in, garments out."""
