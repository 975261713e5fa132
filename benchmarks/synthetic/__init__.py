"""Files of the real data set's size and statistics, with no content."""
