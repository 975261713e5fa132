"""A file appears whole or not at all; what is no file is never replaced by one."""

import os
from contextlib import suppress
from pathlib import Path

import pytest

from matchrcnn.errors import UserError
from matchrcnn.files import atomic_write, refuse_as_output, write_text


@pytest.mark.parametrize("linked", [False, True], ids=["itself", "by a link"])
def test_a_pipe_is_written_into_and_stays(tmp_path: Path, linked: bool) -> None:
    pipe = output = tmp_path / "pipe"
    os.mkfifo(pipe)
    if linked:
        output = tmp_path / "link"
        output.symlink_to(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    before = sorted(tmp_path.iterdir())
    write_text(output, "content")
    assert os.read(reading, 100) == b"content"
    os.close(reading)
    assert pipe.is_fifo()
    assert output.is_symlink() == linked
    assert sorted(tmp_path.iterdir()) == before


def test_a_device_is_written_into_and_stays(tmp_path: Path) -> None:
    """By a link: were it replaced, that would be the link."""
    link = tmp_path / "device"
    link.symlink_to("/dev/null")
    write_text(link, "content")
    assert link.is_symlink()
    assert link.is_char_device()


def test_a_pipe_gets_nothing_of_what_failed(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with suppress(ZeroDivisionError), atomic_write(pipe) as file:
        file.write(b"half" * (1 // len(os.read(reading, 100))))
    assert os.read(reading, 100) == b""
    os.close(reading)


def test_folders_are_refused_and_files_are_not(tmp_path: Path) -> None:
    write_text(tmp_path / "new/file", "1")
    write_text(tmp_path / "new/file", "2")
    with pytest.raises(UserError, match="new: is a folder; give the name of a file to write"):
        write_text(tmp_path / "new", "3")
    with pytest.raises(UserError, match="new/file is no folder"):
        write_text(tmp_path / "new/file/below", "4")
    assert (tmp_path / "new/file").read_text() == "2"


def test_a_link_to_a_file_is_replaced_and_its_file_stays(tmp_path: Path) -> None:
    """A file in DVC's cache may be linked; no stage may write into it."""
    write_text(tmp_path / "cached", "1")
    (tmp_path / "link").symlink_to(tmp_path / "cached")
    write_text(tmp_path / "link", "2")
    assert ((tmp_path / "cached").read_text(), (tmp_path / "link").read_text()) == ("1", "2")


def test_links_of_the_machine_to_open_files_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "open").open("wb") as file, pytest.raises(UserError, match="open; give that name"):
        refuse_as_output(Path(f"/proc/self/fd/{file.fileno()}"))
