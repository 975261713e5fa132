"""Intervals by resampling images, of one run and of the difference of two."""
