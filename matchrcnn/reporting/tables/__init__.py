"""The tables, as data from which Markdown and HTML are written."""
