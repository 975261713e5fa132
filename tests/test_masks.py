"""Run lengths as COCO writes them."""

import numpy as np
import pycocotools.mask

from matchrcnn.masks import decode, encode, of_polygons


def test_a_mask_survives_its_run_lengths() -> None:
    mask = np.random.default_rng(0).random((7, 5)) < 0.4
    rle = encode(mask)
    assert rle["size"] == [7, 5]
    assert isinstance(rle["counts"], str)
    assert decode(rle).dtype == bool
    np.testing.assert_array_equal(decode(rle), mask)


def test_polygons_are_joined_and_a_line_covers_nothing() -> None:
    square, other = [1, 1, 4, 1, 4, 4, 1, 4], [6, 2, 9, 2, 9, 8, 6, 8]
    rle = of_polygons([square, other, [0, 0, 9, 9]], 10, 12)
    expected = pycocotools.mask.merge(pycocotools.mask.frPyObjects([square, other], 10, 12))
    assert rle == {"size": [10, 12], "counts": expected["counts"].decode()}
    assert not decode(of_polygons([[0, 0, 9, 9]], 10, 12)).any()
