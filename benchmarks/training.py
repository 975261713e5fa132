"""What the training costs in addition to the model itself: `python -m benchmarks.training`.

- step: our step (schedule, seeds, losses checked and recorded, clipping, optimizer) beside a plain loop as detectron2's
  `plain_train_net` has it, on the same minibatches, in one process, in turn, so that both meet the same machine. The
  plain loop runs on a model built from our registered parts, which is the overhead of the loop, and on one of stock
  parts with as many parameters, which is that of the parts as well. The ratio is the median of the rounds' ratios.
- start: `python -m stages.train detection` on a tiny data set, from nothing to the checkpoint of its first iteration.
- nothing to do: `dvc repro` and `dvc status` in turn, in a project that is up to date (`--project`; else this one).

`--cpu-seconds` measures processor instead of wall time: where other work runs beside it.
"""

import argparse
import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import torch
from detectron2.modeling import build_model as build_detectron2_model
from detectron2.solver.build import get_default_optimizer_params
from detectron2.utils.events import EventStorage
from tabulate import tabulate
from torch import nn

from matchrcnn.config import RunConfig, SampleParams, load_params
from matchrcnn.data.convert import convert
from matchrcnn.data.loader import training_loader
from matchrcnn.data.mapper import Mapper
from matchrcnn.data.records import Minibatch
from matchrcnn.data.sample import write_sample
from matchrcnn.data.sampler import EpochSampler
from matchrcnn.data.split import Entries, Split, load_split
from matchrcnn.modeling.build import build_model
from matchrcnn.modeling.detectron2_config import to_detectron2
from matchrcnn.modeling.determinism import make_deterministic
from matchrcnn.tasks import LANDMARKS, MASKS, TASKS
from matchrcnn.training.curves import Curves
from matchrcnn.training.loop import TrainingLoop
from matchrcnn.training.schedule import build_schedule
from tests.pipeline.chaos import Project

ROOT = Path(__file__).parents[1]
MINIBATCHES = 8

clock = time.perf_counter


class PlainLoop:
    """Model, optimizer and scheduler as detectron2's plain_train_net.py joins them."""

    def __init__(self, model: nn.Module, run: RunConfig) -> None:
        self.model, self.clip = model.train(), run.training.clip_gradient_norm
        groups = get_default_optimizer_params(
            model, base_lr=run.training.lr, weight_decay=run.training.weight_decay, weight_decay_norm=0.0
        )
        betas = (run.training.momentum, 0.999)
        self.optimizer = torch.optim.AdamW(groups, lr=run.training.lr, betas=betas, fused=True)
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lambda _: 1.0)

    def step(self, batch: Minibatch) -> None:
        """Losses, gradients, optimizer; the losses are read, as a loop that shows them does."""
        losses = self.model(batch)
        total = sum(losses.values())
        assert torch.isfinite(total)
        self.shown = {name: loss.item() for name, loss in losses.items()}
        self.optimizer.zero_grad()
        total.backward()
        if self.clip:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        self.optimizer.step()
        self.scheduler.step()


def step_rows(folder: Path, task: str, rounds: int) -> list[list[str]]:
    """Milliseconds a step of the three, and their ratios to ours."""
    run, entries = _run(task), _entries(folder)
    device = torch.device("cpu")
    make_deterministic()
    learned = TASKS[task].learns
    mapper = Mapper(run.model, flip=True, masks=MASKS in learned, landmarks=LANDMARKS in learned)
    sampler = EpochSampler(len(entries), run.training.minibatch, run.seed)
    batches = list(islice(training_loader(entries, mapper, sampler, 0), MINIBATCHES))
    schedule = build_schedule(run.schedule, run.training, len(entries))
    ours = TrainingLoop(run, schedule, device, Curves(), None)  # the loop around it is the data's
    plain, stock = PlainLoop(build_model(run, device), run), PlainLoop(_stock_model(run), run)
    ways: dict[str, Callable[[int], None]] = {
        "ours": lambda number: ours.step(number, batches[number % MINIBATCHES]),
        "plain loop, our parts": lambda number: plain.step(batches[number % MINIBATCHES]),
        "plain loop, stock parts": lambda number: stock.step(batches[number % MINIBATCHES]),
    }
    times = _in_turn(ways, rounds)
    return [
        [
            f"step, {task}",
            way,
            f"{1000 * statistics.median(each):.1f} ms",
            f"{statistics.median(own / other for own, other in zip(times['ours'], each, strict=True)):.3f}",
        ]
        for way, each in times.items()
    ]


def _in_turn(ways: dict[str, Callable[[int], None]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each way in every round, the order turning from round to round; the first rounds warm up."""
    times: dict[str, list[float]] = {way: [] for way in ways}
    names = list(ways)
    with EventStorage():
        for number in range(-3, rounds):
            turn = number % len(names)
            for way in names[turn:] + names[:turn]:
                started = clock()
                ways[way](max(number, 0))
                if number >= 0:
                    times[way].append(clock() - started)
    return times


def _run(task: str) -> RunConfig:
    run = load_params(ROOT / "pipelines" / "sample.yaml").run("detection")
    return run.model_copy(update={"name": task, "task": task})


def _entries(folder: Path) -> Entries:
    root, annotations = folder / "data", folder / "train.json"
    if not annotations.exists():
        write_sample(root, SampleParams(seed=3, train_images=4 * MINIBATCHES, validation_images=12), workers=1)
        convert(root / "train", annotations, workers=1)
    return load_split(Split(annotations, root / "train" / "image")).annotated()


def _stock_model(run: RunConfig) -> nn.Module:
    """The same network of detectron2's own parts."""
    cfg = to_detectron2(run).clone()
    cfg.defrost()
    cfg.MODEL.META_ARCHITECTURE, cfg.MODEL.DEVICE = "GeneralizedRCNN", "cpu"
    cfg.MODEL.PROPOSAL_GENERATOR.NAME, cfg.MODEL.ROI_HEADS.NAME = "RPN", "StandardROIHeads"
    torch.manual_seed(run.seed)
    return build_detectron2_model(cfg)


def start_rows(folder: Path) -> list[list[str]]:
    """Seconds until a training has made and saved its first iteration; the second start, with a database and caches."""
    project = Project(folder)
    project.finish("detection")
    project.forget("detection")
    started = clock()
    process = project.start("detection")
    while not project.checkpoints("detection"):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.01)
    seconds = clock() - started
    process.kill()
    process.communicate()
    return [["start", "stages.train, to the end of iteration 1", f"{seconds:.1f} s", ""]]


def idle_rows(project: Path, rounds: int) -> list[list[str]]:
    """`dvc repro` with nothing to do beside `dvc status`."""
    ways = {name: lambda _, name=name: _dvc(project, name) for name in ("repro", "status")}
    times = _in_turn(ways, rounds)
    ratio = statistics.median(one / other for one, other in zip(times["repro"], times["status"], strict=True))
    return [
        ["nothing to do", f"dvc {name}", f"{statistics.median(each):.2f} s", f"{ratio:.2f}" if name == "status" else ""]
        for name, each in times.items()
    ]


def _dvc(project: Path, command: str) -> None:
    done = subprocess.run(["dvc", command], cwd=project, capture_output=True, text=True, check=True)
    if "up to date" not in done.stdout:
        raise SystemExit(f"{project}: dvc {command} has something to do; run `dvc repro` first, or leave --project out")


def _busy() -> float:
    """Processor seconds of this process and its ended children."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--tasks", nargs="*", default=["detection"], choices=["detection", "segmentation", "landmarks"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--project", type=Path, default=ROOT, help="up to date; the default is left out where it is not"
    )
    parser.add_argument("--cpu-seconds", action="store_true")
    parser.add_argument("--no-start", action="store_true", help="leave the start-up time out")
    arguments = parser.parse_args()
    global clock
    torch.set_num_threads(arguments.threads)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        if not arguments.no_start:
            rows += start_rows(Path(folder) / "project")
        clock = _busy if arguments.cpu_seconds else clock
        for task in arguments.tasks:
            rows += step_rows(Path(folder), task, arguments.rounds)
        if arguments.project != ROOT or (ROOT / "dvc.lock").exists():
            rows += idle_rows(arguments.project, 5)
    kind = "processor" if arguments.cpu_seconds else "wall"
    print(f"{os.cpu_count()} CPU cores, {arguments.threads} thread(s); {kind} time, medians; sample preset\n")
    print(tabulate(rows, ["part", "way", "time", "ours in its times"], "github", disable_numparse=True))


if __name__ == "__main__":
    main()
