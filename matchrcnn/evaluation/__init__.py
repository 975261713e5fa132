"""Scoring of results: subsets, intervals, retrieval."""
