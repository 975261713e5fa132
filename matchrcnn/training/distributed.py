"""One training on many processes: detectron2's `launch` or torchrun start them, torch's process group joins them."""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from detectron2.engine import launch as detectron2_launch
from detectron2.utils import comm
from torch.distributed.rendezvous import rendezvous
from torch.multiprocessing.spawn import ProcessExitedException

from matchrcnn.config import HardwareParams
from matchrcnn.errors import FAILED, SharedError, UserError, as_user_error, ending
from matchrcnn.modeling.build import pick_device

PATIENCE = timedelta(minutes=30)
"""How long a process waits for one that neither answers nor is known to be dead."""

LOST = 3
"""Exit code of a process that lost contact with another one."""

T = TypeVar("T")


def launch(main: Callable[..., None], hardware: HardwareParams, *args: Any) -> None:  # noqa: ANN401
    """Call `main(*args)` in every process of a training; `main` and `args` must be picklable.

    Under torchrun this process is one of them and joins the others. Otherwise `hardware.processes` are started here,
    on each of `hardware.machines`; one process is this one.

    Raises:
        UserError: GPUs or the address are not there, or a process died.
    """
    if "RANK" in os.environ and "WORLD_SIZE" in os.environ:
        _join(hardware)
        _work(main, args)
    elif hardware.processes * hardware.machines > 1:
        _start(main, hardware, args)
    else:
        main(*args)


def is_first() -> bool:
    """Return whether this process is the one that writes, tracks and prints."""
    return bool(comm.is_main_process())


def from_first(make: Callable[[], T]) -> T:
    """Return in every process what the first one makes."""
    if comm.get_world_size() == 1:
        return make()
    box = [make() if is_first() else None]
    dist.broadcast_object_list(box)
    return box[0]  # type: ignore[return-value]


def from_all(own: T) -> list[T]:
    """Return what every process has, in the order of processes."""
    if comm.get_world_size() == 1:
        return [own]
    found: list[Any] = [None] * comm.get_world_size()
    dist.all_gather_object(found, own)
    return found


def means(values: dict[str, float], device: torch.device) -> dict[str, float]:
    """Return the means of values over all processes, which have the same names."""
    if comm.get_world_size() == 1:
        return values
    numbers = torch.tensor([values[name] for name in sorted(values)], dtype=torch.float64, device=device)
    dist.all_reduce(numbers)
    return dict(zip(sorted(values), (numbers / comm.get_world_size()).tolist(), strict=True))


def _start(main: Callable[..., None], hardware: HardwareParams, args: tuple[Any, ...]) -> None:
    device, count = pick_device(hardware.device), hardware.processes
    if device.type == "cuda" and count > torch.cuda.device_count():
        raise UserError(f"hardware.processes: {count}, but this machine has {torch.cuda.device_count()} GPUs")
    if device.type == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # detectron2 takes every GPU that it sees
    url = "auto" if hardware.machines == 1 else f"tcp://{hardware.address}"
    try:
        with _stop_requests_passed_on():
            detectron2_launch(_work, count, hardware.machines, _machine(hardware), url, (main, args), timeout=PATIENCE)
    except ProcessExitedException as end:
        if end.exit_code == FAILED:  # that process has said why
            sys.exit(FAILED)
        how = f"was ended by {end.signal_name}" if end.signal_name else f"ended with exit code {end.exit_code}"
        how = "lost contact with the others" if end.exit_code == LOST else how
        what = f"process {end.error_index} of {count} {how}, and the others were stopped"
        raise UserError(f"{what}; run it again to resume from the last checkpoint") from None


def _machine(hardware: HardwareParams) -> int:
    """Return the number of this machine: the only setting that differs between machines."""
    if hardware.machines == 1:
        return 0
    found = os.environ.get("MACHINE_RANK", "")
    if not found.isdigit() or int(found) >= hardware.machines:
        raise UserError(
            f"MACHINE_RANK: {found!r}; hardware.machines is {hardware.machines}, so set it in the environment to a "
            f"number from 0, on the machine of hardware.address, to {hardware.machines - 1}"
        )
    return int(found)


def _join(hardware: HardwareParams) -> None:
    """Join the processes that torchrun started."""
    place, gpu = int(os.environ.get("LOCAL_RANK", "0")), pick_device(hardware.device).type == "cuda"
    if gpu and place >= torch.cuda.device_count():
        raise UserError(f"torchrun started process {place} on a machine with {torch.cuda.device_count()} GPUs")
    if gpu:
        torch.cuda.set_device(place)
    rank, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    dist.init_process_group("nccl" if gpu else "gloo", store=_store(), rank=rank, world_size=count, timeout=PATIENCE)
    comm.create_local_process_group(int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


def _store() -> Any:  # noqa: ANN401 (torch exports no such type)
    """Return the store where torchrun's processes meet.

    One store of torchrun serves all its restarts, and still holds the addresses of dead processes. On one machine all
    processes know how many restarts there were; on several torchrun is told to make a store each time (docs).
    """
    store, _, _ = next(rendezvous("env://", timeout=PATIENCE))
    if os.environ.get("GROUP_WORLD_SIZE") != "1":
        return store
    return dist.PrefixStore(  # type: ignore[attr-defined]
        f"restart {os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store
    )


def _work(main: Callable[..., None], args: tuple[Any, ...]) -> None:
    """Call `main` as one process among others; an error that a user can fix ends this process with one clear line."""
    who = f"process {comm.get_rank()} of {comm.get_world_size()}"
    try:
        main(*args)
        comm.synchronize()
        dist.destroy_process_group()
    except SharedError as error:
        code = ending("", error) if is_first() else FAILED
        comm.synchronize()  # a process that ends has the others ended: the first one prints its message before
        sys.exit(code)
    except Exception as error:
        if as_user_error(error) or not _is_lost_contact(error):
            sys.exit(ending(who, error))
        print(f"{who}: another process is gone", file=sys.stderr, flush=True)
        time.sleep(1)  # whoever started the processes looks at the one that died, not at this one
        sys.exit(LOST)


def _is_lost_contact(error: Exception) -> bool:
    signs = ("gloo", "NCCL", "Connection closed by peer", "Connection reset by peer", "Broken pipe")
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in signs)


@contextmanager
def _stop_requests_passed_on() -> Iterator[None]:
    """Within it, SIGINT and SIGTERM ask the started processes to stop, and this one waits for them."""

    def pass_on(_number: int, _frame: FrameType | None) -> None:
        for child in multiprocessing.active_children():
            child.terminate()

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
