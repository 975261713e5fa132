"""The pages: benchmarks.md, index.html and the model cards."""
