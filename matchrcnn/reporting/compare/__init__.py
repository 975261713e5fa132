"""Versions of the benchmarks beside each other: revisions, experiments, report folders, single runs."""
