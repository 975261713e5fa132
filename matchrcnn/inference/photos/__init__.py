"""Photos read, named and drawn over; their garments as small typed values."""
