"""What the machine lacks is said with a remedy; what nobody foresaw stays a traceback."""

import errno

import pytest
import torch

from matchrcnn.errors import SharedError, UserError, as_user_error, ending


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "models/x"), r"^models/x: no space .*free some.*checkpoint"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), r"too little memory .*training\.minibatch"),
        (MemoryError(), r"too little memory \(MemoryError\)"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), r"the GPU has .*2 GiB.*\.accumulate"),
        (
            RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. "),
            r"pid 7.*Killed.*loader_workers.*resumes from its last checkpoint",
        ),
    ],
)
def test_too_little_disk_or_memory_is_said_with_its_remedy(error: Exception, said: str) -> None:
    with pytest.raises(UserError, match=said):
        raise as_user_error(error)


def test_torchs_own_words_for_a_full_memory_are_known() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert "too little memory" in str(as_user_error(raised.value))


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), KeyError("bbox"), FileNotFoundError("x")])
def test_any_other_error_is_none_of_a_users(error: Exception) -> None:
    assert as_user_error(error) is None


@pytest.mark.parametrize(
    ("who", "error", "code", "said"),
    [
        ("train", UserError("x: no such file"), 2, "train: x: no such file\n"),
        ("", SharedError("SIGTERM after 4 iterations"), 2, "SIGTERM after 4 iterations\n"),
        ("train", KeyboardInterrupt(), 130, "train: interrupted\n"),
    ],
)
def test_a_command_ends_with_one_line(
    who: str, error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(who, error) == code
    assert capsys.readouterr().err == said


def test_an_error_that_nobody_foresaw_is_raised_again() -> None:
    with pytest.raises(KeyError, match="bbox"):
        ending("train", KeyError("bbox"))
