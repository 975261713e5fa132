"""Compare versions of the benchmarks: revisions, experiments, folders of reports, single runs."""
