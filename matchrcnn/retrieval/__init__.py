"""Features of garments, their exact ranking, and the official files of consumer-to-shop retrieval."""
