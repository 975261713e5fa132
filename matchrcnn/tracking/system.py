"""What the machine does while it trains: MLflow's own monitors of CPU, memory, disk, network and GPUs."""

import os
import time
from typing import Any

INTERVAL_S = 10.0


class SystemSampler:
    """Samples the machine every MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL seconds (10).

    MLflow's SystemMetricsMonitor does the same from a thread that asks the server itself and is waited for at the end;
    here the samples go the way of all other measurements. MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING=false turns them off.
    """

    def __init__(self) -> None:
        self.interval = float(os.environ.get("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL") or INTERVAL_S)
        wanted = os.environ.get("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "true").lower() != "false"
        self._monitors = _monitors() if wanted else []
        self._due = time.monotonic() + self.interval

    def sample(self) -> dict[str, float]:
        """Return `system/...` values when a sample is due; empty otherwise."""
        if not self._monitors or time.monotonic() < self._due:
            return {}
        self._due = time.monotonic() + self.interval
        values: dict[str, float] = {}
        for monitor in self._monitors:
            monitor.collect_metrics()
            values |= {f"system/{name}": float(value) for name, value in monitor.aggregate_metrics().items()}
            monitor.clear_metrics()
        return values


def _monitors() -> list[Any]:
    """Return the monitors that work here; a machine without an NVIDIA GPU has none for it."""
    from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
    from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
    from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
    from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor

    monitors = []
    for kind in (CPUMonitor, DiskMonitor, NetworkMonitor, GPUMonitor):
        try:
            monitors.append(kind())
        except (ImportError, RuntimeError):
            continue
    return monitors
