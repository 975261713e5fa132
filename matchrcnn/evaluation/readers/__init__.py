"""Ground truth and result files, checked and read as columns."""
