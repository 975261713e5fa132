"""The training loader at the size of the released data: `python -m benchmarks.loader`.

An annotation file of 191,961 images and 312,186 items is generated, and one JPEG of 468 x 624 pixels, of about 120 KB,
which all images name. Then, each in a process of its own, for detection and for retrieval (which finds its image pairs
at the start):

- start: from nothing loaded to the first minibatch asked for, imports left out (the file is in the page cache);
- memory: the sum of the proportional set sizes (PSS: shared pages are counted once) of the process and its workers,
  its highest value while they start and load minibatches, with all that training imports, and without a model;
- throughput: images a second (that of one worker is a worker's), and a second of processor time: read, flipped, resized
  to 800/1333 and made into targets with masks.

`--images 10000` is a quick look.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from itertools import islice
from pathlib import Path

import numpy as np
import orjson
import psutil
from PIL import Image
from tabulate import tabulate

from benchmarks.synthetic.training import IMAGES, PICTURE, write_training
from benchmarks.synthetic.validation import HEIGHT, WIDTH

RUNS = ("detection", "retrieval_class")
"""Of the preset single_gpu."""


class Memory(threading.Thread):
    """Watches the memory of this process and its children, in MiB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.highest, self._over = 0.0, threading.Event()

    def run(self) -> None:
        """Look ten times a second."""
        while not self._over.wait(0.1):
            self.highest = max(self.highest, resident())

    def stop(self) -> float:
        """The highest value that was seen."""
        self._over.set()
        self.join()
        return max(self.highest, resident())


def resident() -> float:
    """Proportional set size of this process and its children, MiB."""
    own = psutil.Process()
    total = 0
    for process in (own, *own.children(recursive=True)):
        try:
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def measure(folder: Path, run_name: str, workers: int, minibatches: int) -> dict[str, float]:
    """Load the split, then minibatches of two images at the paper's size; in this very process."""
    import matchrcnn.training.train  # noqa: F401 (all that a training imports)
    from matchrcnn.config import load_params
    from matchrcnn.data.loader import training_loader
    from matchrcnn.data.mapper import Mapper
    from matchrcnn.data.split import Split, load_split
    from matchrcnn.tasks import LANDMARKS, TASKS
    from matchrcnn.training.pair_training import training_batches

    run = load_params(Path(__file__).parents[1] / "pipelines" / "single_gpu.yaml").run(run_name)
    imported, memory = resident(), Memory()
    memory.start()
    started, cpu = time.perf_counter(), _busy()
    entries = load_split(Split(folder / "train.json", folder)).annotated()
    batches = training_batches(run, entries)
    loaded, cpu = time.perf_counter() - started, _busy() - cpu
    mapper = Mapper(run.model, flip=True, masks=True, landmarks=LANDMARKS in TASKS[run.task].learns)
    loader = iter(training_loader(entries, mapper, batches, workers))
    next(loader)
    begun, busy = time.perf_counter(), _busy()
    images = sum(len(batch) for batch in islice(loader, minibatches))
    wall, busy = time.perf_counter() - begun, _busy() - busy
    return {
        "start": loaded,
        "start_cpu": cpu,
        "imported": imported,
        "highest": memory.stop(),
        "rate": images / wall,
        "busy": images / busy,
    }


def _busy() -> float:
    """Processor seconds of this process and its children so far."""
    own = psutil.Process()
    times = [process.cpu_times() for process in (own, *own.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def write_picture(path: Path) -> None:
    """A JPEG with the detail of a photograph: noise at an eighth of its size, 120 KB."""
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((WIDTH, HEIGHT)).save(path, quality=95)


def main() -> None:
    """Generate the files, measure both tasks, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--minibatches", type=int, default=60, help="of two images, to measure the throughput on")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        folder, name = arguments.one
        print(orjson.dumps(measure(Path(folder), name, arguments.workers, arguments.minibatches)).decode())
        return
    with tempfile.TemporaryDirectory() as folder:
        items = write_training(Path(folder) / "train.json", arguments.images)
        write_picture(Path(folder) / PICTURE)
        size = (Path(folder) / "train.json").stat().st_size / 2**20
        print(f"{arguments.images:,} images, {items:,} items, {size:.0f} MiB of JSON; {os.cpu_count()} CPU cores\n")
        rows = [
            _row(run, workers, _apart(folder, run, workers, arguments.minibatches))
            for run in RUNS
            for workers in (1, arguments.workers)
        ]
    heads = [
        "run",
        "workers",
        "start s",
        "start CPU s",
        "PSS after imports MiB",
        "highest PSS MiB",
        "images/s",
        "images a CPU second",
    ]
    print(tabulate(rows, heads, "github", disable_numparse=True))


def _row(run: str, workers: int, found: dict[str, float]) -> list[str]:
    memory = [f"{found[name]:.0f}" for name in ("imported", "highest")]
    return [
        run,
        str(workers),
        f"{found['start']:.1f}",
        f"{found['start_cpu']:.1f}",
        *memory,
        f"{found['rate']:.1f}",
        f"{found['busy']:.1f}",
    ]


def _apart(folder: str, run: str, workers: int, minibatches: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.loader", "--one", folder, run]
    command += ["--workers", str(workers), "--minibatches", str(minibatches)]
    return dict(orjson.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


if __name__ == "__main__":
    main()
