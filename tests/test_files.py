"""A file appears whole or not at all; what is no file is never replaced by one."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from matchrcnn.errors import UserError
from matchrcnn.evaluation.readers.ground_truth import read_ground_truth
from matchrcnn.files import atomic_write, read_json, refuse_as_output, write_text
from matchrcnn.retrieval.files import read_queries, read_retrieved


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


READERS = {read_json: "[%s]", read_ground_truth: '{"annotations": [%s]}', read_queries: "[%s]", read_retrieved: "[%s]"}
"""The readers of JSON files that other people write, and where each expects entries."""

BY_READER = pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)


@BY_READER
@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_constants_that_json_does_not_have_are_named(tmp_path: Path, read: Callable, constant: str) -> None:
    text = READERS[read] % f'{{"name": "a NaN \\" Infinity", "area": {constant}}}'
    (tmp_path / "file").write_text(text)
    at = text.index(f" {constant}}}") + 1
    with pytest.raises(UserError, match=rf'file: holds {constant} after "area" \(at byte {at}\), which is no JSON'):
        read(tmp_path / "file")


@BY_READER
def test_files_that_are_no_json_or_no_files_are_told_apart(tmp_path: Path, read: Callable) -> None:
    whole = READERS[read] % ""
    (tmp_path / "cut").write_text(whole[:-1])
    (tmp_path / "wide").write_text(whole, encoding="utf-16")
    messages = {"cut": "is the file complete", "wide": "is text in UTF-16; save it in UTF-8", "": "is a folder, a JSON"}
    for name, message in messages.items():
        with pytest.raises(UserError, match=message):
            read(tmp_path / name)


def test_a_byte_order_mark_is_no_part_of_the_content(tmp_path: Path) -> None:
    query = [{"query_image_id": 1, "bbox": [0, 0, 9, 9], "cls": 1, "pair_id": 4, "style": 2}]
    (tmp_path / "query").write_text(json.dumps(query), encoding="utf-8-sig")
    (tmp_path / "truth").write_text('{"images": [], "annotations": []}', encoding="utf-8-sig")
    assert read_json(tmp_path / "query") == query
    assert read_queries(tmp_path / "query").image_ids.tolist() == [1]
    assert len(read_ground_truth(tmp_path / "truth")) == 0
