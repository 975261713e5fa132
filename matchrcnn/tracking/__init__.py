"""MLflow as a view of the project's files; the only package that imports mlflow.

The files are the truth. A training streams its curves while it trains (`stream`), through a process of its own that it
does not wait for; `sync` brings MLflow up to date from the files, as often as you like, without duplicates. Tracking
that fails is reported once and never fails what is tracked.
"""

import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# Migrations, versions and links are no news to someone who runs a pipeline.
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
# What a server does not answer is caught up with later. A request that MLflow repeats by itself can make a second run.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
