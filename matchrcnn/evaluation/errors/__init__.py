"""Kinds of error, and what each costs."""
