"""The data set: records, conversion, sample data, and the way into detectron2."""
