"""Subset evaluation beside pycocotools, faster-coco-eval and hotcoco: `python -m benchmarks.evaluation`.

What is measured: each contender as a process of its own, from the start of Python over reading the annotation and
result files to the numbers, on the same synthetic files: boxes at the size of the real validation set (961,491
detections in 32,153 images), masks and landmarks on fewer images. Peers score the whole split once; 13 columns cost
them 13 times that, as none of them keeps anything between subsets. Ours gives all 13 columns, for landmarks of both
ground truths. Wall time and processor time in seconds, the latter also for files of ten images ("start": Python,
imports and, for ours, numba), peak memory in MB; the AP of the whole split shows that all did the same.
"""

import argparse
import contextlib
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate

from benchmarks.synthetic.validation import IMAGES, Validation
from matchrcnn.taxonomy import SIGMAS

IOU_TYPES = {"box": "bbox", "mask": "segm", "landmarks": "keypoints"}
KINDS = {"box": IMAGES, "mask": 2000, "landmarks": 1000}
PEERS = ("hotcoco", "faster-coco-eval", "pycocotools")


def score_pycocotools(truth: str, results: str, kind: str) -> float:
    """One evaluation by pycocotools."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    return _peer(COCO, COCOeval, truth, results, kind)


def score_faster_coco_eval(truth: str, results: str, kind: str) -> float:
    """One evaluation by faster-coco-eval."""
    from faster_coco_eval import COCO, COCOeval_faster

    return _peer(COCO, COCOeval_faster, truth, results, kind)


def score_hotcoco(truth: str, results: str, kind: str) -> float:
    """One evaluation by hotcoco."""
    import hotcoco

    return _peer(hotcoco.COCO, hotcoco.COCOeval, truth, results, kind)


def _peer(coco: Any, evaluator: Any, truth: str, results: str, kind: str) -> float:  # noqa: ANN401 (three libraries)
    with contextlib.redirect_stdout(io.StringIO()):
        ground = coco(truth)
        evaluation = evaluator(ground, ground.loadRes(results), IOU_TYPES[kind])
        params = evaluation.params
        params.areaRng, params.areaRngLbl = [[0, 1e10]], ["all"]
        params.maxDets = [20] if kind == "landmarks" else [100]
        if kind == "landmarks":
            params.kpt_oks_sigmas = SIGMAS
        evaluation.evaluate()
        evaluation.accumulate()
    precision = np.asarray(evaluation.eval["precision"])
    return float(precision[precision > -1].mean())


def score_ours(truth: str, results: str, kind: str, resamples: int = 0) -> float:
    """All 13 columns by this project."""
    from matchrcnn.config import BootstrapParams, EvaluationParams
    from matchrcnn.evaluation.scoring import evaluate_file

    params = EvaluationParams(bootstrap=BootstrapParams(resamples=resamples))
    *_, found = evaluate_file(Path(truth), Path(results), kind, params).values()
    return float(found.values[12, 0])


def score_resampled(truth: str, results: str, kind: str) -> float:
    """All 13 columns with the intervals of 1,000 resamples."""
    return score_ours(truth, results, kind, 1000)


CONTENDERS: dict[str, Callable[[str, str, str], float]] = {
    "hotcoco": score_hotcoco,
    "faster-coco-eval": score_faster_coco_eval,
    "pycocotools": score_pycocotools,
    "ours": score_ours,
    "ours, 1,000 resamples": score_resampled,
}


@dataclass(frozen=True)
class Measured:
    """A process: wall and processor seconds, peak memory in MB, and the AP that it printed."""

    wall: float
    cpu: float
    peak: float
    ap: float


def measure(contender: str, truth: Path, results: Path, kind: str, caches: Path) -> Measured:
    """Run a contender in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.evaluation", "--run", contender, str(truth), str(results), kind]
    settings = {"NUMBA_CACHE_DIR": str(caches / "numba"), "PYTHONPYCACHEPREFIX": str(caches / "python")}
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment | settings)
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{contender} failed on {results}")
    wall = time.perf_counter() - started
    return Measured(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, float(printed))


def compare(
    kind: str, files: tuple[Path, Path], small: tuple[Path, Path], peers: list[str], repeats: int, caches: Path
) -> str:
    """Measure all contenders on one pair of files; a Markdown table."""
    first = "ours, first run (compiles)"
    found, starts = {first: measure("ours", *files, kind, caches)}, {first: "-"}
    for contender in [*peers, "ours", "ours, 1,000 resamples"]:
        times = 1 if contender == "pycocotools" else repeats
        runs = [measure(contender, *files, kind, caches) for _ in range(times)]
        starts[contender] = f"{min(measure(contender, *small, kind, caches).cpu for _ in range(repeats)):.1f}"
        found[contender] = min(runs, key=lambda run: run.cpu)
    rows = [_row(name, run, starts[name], found) for name, run in found.items()]
    heads = [
        "",
        "columns",
        "wall s",
        "CPU s",
        "start, CPU s",
        "peak MB",
        "AP",
        *(f"{peer} x 13, CPU" for peer in peers),
    ]
    return tabulate(rows, heads, "github")


def _row(name: str, run: Measured, start: str, found: dict[str, Measured]) -> list[str]:
    columns = 13 if name.startswith("ours") else 1
    ratios = [f"{13 * other.cpu / (run.cpu * 13 / columns):.1f}" for peer, other in found.items() if peer in PEERS]
    return [name, str(columns), f"{run.wall:.1f}", f"{run.cpu:.1f}", start, f"{run.peak:.0f}", f"{run.ap:.6f}", *ratios]


def write_files(folder: Path, kind: str, images: int) -> tuple[Path, Path]:
    """Write synthetic annotations and results of a kind."""
    split = Validation(images)
    truth, results = folder / f"{kind}_{images}_truth.json", folder / f"{kind}_{images}.json"
    split.write_truth(truth, wide=kind == "landmarks")
    {"box": split.write_boxes, "mask": split.write_masks, "landmarks": split.write_landmarks}[kind](results)
    return truth, results


def main() -> None:
    """Print a table for each kind of result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluation", description=__doc__)
    parser.add_argument("--run", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--images", type=int, help="images of every kind (default: 32,153, 2,000 and 1,000)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each, the quickest counts (pycocotools: one)")
    arguments = parser.parse_args()
    if arguments.run:
        contender, *files = arguments.run
        print(CONTENDERS[contender](*files))
        return
    with tempfile.TemporaryDirectory() as folder:
        for kind in arguments.kinds:
            images = arguments.images or KINDS[kind]
            files = write_files(Path(folder), kind, images)
            small = write_files(Path(folder), kind, 10)
            table = compare(kind, files, small, arguments.peers, arguments.repeats, Path(folder) / kind)
            size = files[1].stat().st_size / 1e6
            print(f"### {kind}: {images:,} images, {size:,.0f} MB of results\n\n{table}\n", flush=True)


if __name__ == "__main__":
    main()
