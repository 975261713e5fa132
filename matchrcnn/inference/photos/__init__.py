"""Photos read, named and drawn over; what is found in them as small typed values."""
