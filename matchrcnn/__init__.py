"""Match R-CNN on DeepFashion2: detection, segmentation, landmarks and consumer-to-shop retrieval."""
