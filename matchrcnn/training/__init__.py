"""Training: `run.train_run` trains a run of a project; `train.train` is the loop, without a project's folders."""
