"""Subset evaluation beside pycocotools, faster-coco-eval and hotcoco: `python -m benchmarks.evaluation`.

What is measured, on the same synthetic files: boxes at the size of the real validation set (961,491 detections in
32,153 images), masks and landmarks on fewer images. Peers score the whole split once; 13 columns cost them 13 times
that, as none keeps anything between subsets, and landmarks of both ground truths 26 times. Ours gives all of it.

Every measurement is a process of its own. *Files to numbers* is the time of an evaluation, from opening the files, in a
process that has evaluated files of ten images before: what one more evaluation takes. *Whole process* counts from the
start of Python, with imports (and, for ours, numba). Wall and processor seconds, the quickest of several rounds through
all contenders; peak memory of the whole process in MB (10^6 bytes). The AP of the whole split shows that all did the
same. *Reading, ours* is the floor of ours: both files read and checked, the true masks' polygons made into run lengths.
"""

import argparse
import contextlib
import io
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate
from tqdm import tqdm

from benchmarks.synthetic.validation import IMAGES, Validation
from matchrcnn.subsets import NUM_COLUMNS
from matchrcnn.tasks import BOXES, DETECTION_STREAMS, LANDMARKS, MASKS
from matchrcnn.taxonomy import SIGMAS

IOU_TYPES = {BOXES.kind: "bbox", MASKS.kind: "segm", LANDMARKS.kind: "keypoints"}
KINDS = {BOXES.kind: IMAGES, MASKS.kind: 2000, LANDMARKS.kind: 1000}
STREAMS = {stream.kind: stream for stream in DETECTION_STREAMS}
PEERS = ("hotcoco", "faster-coco-eval", "pycocotools")
SLOW = ("faster-coco-eval", "pycocotools")  # are measured once
COMPILING = "ours, first run (compiles)"
READING = "reading, ours"


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
        params.maxDets = [STREAMS[kind].scores[0].limit]
        if STREAMS[kind] is LANDMARKS:
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
    *_, found = evaluate_file(Path(truth), Path(results), STREAMS[kind], params).values()
    return float(found.values[12, 0])


def read_ours(truth: str, results: str, kind: str) -> float:
    """What no evaluation can do without, by this project: both files read, true polygons as masks; no number."""
    from matchrcnn.evaluation.readers.ground_truth import read_ground_truth
    from matchrcnn.evaluation.readers.results import read_results

    ground = read_ground_truth(Path(truth))
    read_results(Path(results), ground, STREAMS[kind])
    if STREAMS[kind] is MASKS:
        ground.masks(np.arange(len(ground)))
    return math.nan


def score_resampled(truth: str, results: str, kind: str) -> float:
    """All 13 columns with the intervals of 1,000 resamples."""
    return score_ours(truth, results, kind, 1000)


CONTENDERS: dict[str, Callable[[str, str, str], float]] = {
    "hotcoco": score_hotcoco,
    "faster-coco-eval": score_faster_coco_eval,
    "pycocotools": score_pycocotools,
    "ours": score_ours,
    "ours, 1,000 resamples": score_resampled,
    READING: read_ours,
}


@dataclass(frozen=True)
class Measured:
    """An evaluation in a warm process and one in a process of its own: wall and processor seconds, peak in MB."""

    wall: float
    cpu: float
    process_wall: float
    process_cpu: float
    peak: float
    ap: float


def measure(contender: str, files: tuple[Path, Path], small: tuple[Path, Path], kind: str, caches: Path) -> Measured:
    """Evaluate files in two processes of a contender, cold and warm."""
    started, before = time.perf_counter(), _children_cpu()
    *_, peak = _run(contender, [files], kind, caches)
    process_wall, process_cpu = time.perf_counter() - started, _children_cpu() - before
    wall, cpu, ap, _ = _run(contender, [small, files], kind, caches)
    return Measured(wall, cpu, process_wall, process_cpu, peak, ap)


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _run(contender: str, evaluated: list[tuple[Path, Path]], kind: str, caches: Path) -> list[float]:
    """Evaluate pairs of files one after another in a process of its own; what `run` prints."""
    paths = [str(path) for pair in evaluated for path in pair]
    command = [sys.executable, "-m", "benchmarks.evaluation", "--run", contender, kind, *paths]
    settings = {"NUMBA_CACHE_DIR": str(caches / "numba"), "PYTHONPYCACHEPREFIX": str(caches / "python")}
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment | settings)
    return [float(number) for number in process.stdout.split()]


def run(contender: str, kind: str, *paths: str) -> None:
    """What a measured process does: evaluate; print wall and processor seconds and AP of the last pair, and its peak.

    The peak is VmHWM, in MB: what `resource` tells of a process begins with the memory of the one that started it.
    """
    score = CONTENDERS[contender]
    for truth, results in zip(paths[::2], paths[1::2], strict=True):
        wall, cpu = time.perf_counter(), time.process_time()
        ap = score(truth, results, kind)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print(wall, cpu, ap, int(status["VmHWM"].split()[0]) * 1024 / 1e6)


def compare(
    kind: str, files: tuple[Path, Path], small: tuple[Path, Path], peers: list[str], repeats: int, caches: Path
) -> str:
    """Measure all contenders on one pair of files, round by round; a Markdown table."""
    runs = {COMPILING: [measure("ours", files, small, kind, caches)]}
    quick = ["ours", *(peer for peer in peers if peer not in SLOW), "ours, 1,000 resamples", READING]
    order = quick * repeats + [peer for peer in peers if peer in SLOW]
    for contender in tqdm(order, desc=kind, disable=None):
        runs.setdefault(contender, []).append(measure(contender, files, small, kind, caches))
    found = {name: _quickest(several) for name, several in runs.items()}
    rows = [_row(name, one, found, kind) for name, one in found.items()]
    heads = ["", "columns", "files to numbers: wall s", "CPU s", "whole process: wall s", "CPU s", "peak MB", "AP"]
    ratios = [f"{_evaluations(kind)} x {peer}, wall" for peer in found if peer in PEERS]
    return tabulate(rows, [*heads, *ratios], "github", disable_numparse=True)


def _quickest(runs: list[Measured]) -> Measured:
    return Measured(*(min(getattr(run, field.name) for run in runs) for field in fields(Measured)))


def _evaluations(kind: str) -> int:
    """How many evaluations by a peer give what one of ours gives."""
    return NUM_COLUMNS * len(STREAMS[kind].scores)


def _row(name: str, run: Measured, found: dict[str, Measured], kind: str) -> list[str]:
    ours = name.startswith("ours")
    seconds = [f"{value:.2f}" for value in (run.wall, run.cpu, run.process_wall, run.process_cpu)]
    if name == COMPILING:  # its second process finds the machine code
        seconds[:2] = "-", "-"
    peers = [other for peer, other in found.items() if peer in PEERS]
    ratios = [
        f"{_evaluations(kind) * peer.wall / run.wall:.1f}" if ours and name != COMPILING else "" for peer in peers
    ]
    columns = "" if name == READING else str(_evaluations(kind) if ours else 1)
    ap = "" if math.isnan(run.ap) else f"{run.ap:.6f}"
    return [name, columns, *seconds, f"{run.peak:.0f}", ap, *ratios]


def write_files(folder: Path, kind: str, images: int) -> tuple[Path, Path]:
    """Write synthetic annotations and results of a kind."""
    split = Validation(images)
    truth, results = folder / f"{kind}_{images}_truth.json", folder / f"{kind}_{images}.json"
    split.write_truth(truth, wide=STREAMS[kind] is LANDMARKS)
    {BOXES: split.write_boxes, MASKS: split.write_masks, LANDMARKS: split.write_landmarks}[STREAMS[kind]](results)
    return truth, results


def main() -> None:
    """Print a table for each kind of result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluation", description=__doc__)
    parser.add_argument("--run", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--images", type=int, help="images of every kind (default: 32,153, 2,000 and 1,000)")
    parser.add_argument("--repeats", type=int, default=3, help="rounds, the quickest counts (slow peers: one)")
    arguments = parser.parse_args()
    if arguments.run:
        run(*arguments.run)
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
