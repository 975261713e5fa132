"""Tables, plots, galleries and the report page."""
