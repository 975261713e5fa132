"""COCO's matching and precision, for every column of the tables at once."""
