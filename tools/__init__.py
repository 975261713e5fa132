"""Scripts that are no stages: presets, tracking, the comment of a pull request, pictures of the documents."""
