"""Pictures of what runs found, chosen by a rule."""
