"""Machine code is that of the sources."""

from pathlib import Path

from matchrcnn.parallel import cache_of


def test_a_change_in_any_file_gives_machine_code_another_place(tmp_path: Path) -> None:
    (tmp_path / "caller.py").write_text("def f(): return g()")
    (tmp_path / "called.py").write_text("def g(): return 1")
    before = cache_of(tmp_path)
    assert cache_of(tmp_path) == before
    (tmp_path / "called.py").write_text("def g(): return 2")
    assert cache_of(tmp_path) != before
