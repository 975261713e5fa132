"""Sample data: a small DeepFashion2 data set in the original layout, drawn from the schematic landmarks."""

from matchrcnn.data.sample.dataset import write_sample

__all__ = ["write_sample"]
