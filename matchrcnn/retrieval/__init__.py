"""Features of garments, their exact ranking, and the official files of consumer-to-shop retrieval.

Axis letters here: Q queries, G rows of a gallery, D numbers of a feature, T rows wanted for each query, N regions or
items, R detections with what was retrieved for them.
"""
