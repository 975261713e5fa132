"""Trained runs at work: over a split, on photos, as a gallery to search, as ONNX."""
