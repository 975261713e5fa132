"""Trained runs at work: over a split, on photos, as a gallery to search, as ONNX.

Axis letters here: N garments or regions of an image, H and W the height and width of an image in pixels, D the numbers
of an embedding. Boxes are x1, y1, x2, y2.
"""
