"""Extensions of detectron2: backbones, heads, the match network, and models built from a run's configuration."""
