"""Consumer-to-shop retrieval by the official rule."""
