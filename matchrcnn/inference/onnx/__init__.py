"""Trained runs outside of Python."""
