import shutil
from pathlib import Path

import numpy as np
import pytest

from matchrcnn.config import HardwareParams
from matchrcnn.errors import UserError
from matchrcnn.inference.gallery import index as module
from matchrcnn.inference.gallery.index import build_index, load_index
from matchrcnn.retrieval.features import read_features

CPU = HardwareParams(device="cpu", loader_workers=0)


@pytest.fixture
def pictures(tmp_path: Path, tiny_root: Path) -> Path:
    """A folder of five pictures, two of them in a folder below."""
    folder = tmp_path / "pictures"
    (folder / "below").mkdir(parents=True)
    for number, source in enumerate(sorted((tiny_root / "validation" / "image").iterdir())[:5]):
        shutil.copy(source, folder / ("below" if number > 2 else "") / f"{number}.jpg")
    return folder


def test_every_picture_is_found_and_its_garments_are_its_own(
    pictures: Path, tmp_path: Path, retrieval_run: Path
) -> None:
    assert build_index(pictures, tmp_path / "index", retrieval_run, CPU) == []
    whole = load_index(tmp_path / "index")
    assert whole.files == ("0.jpg", "1.jpg", "2.jpg", "below/3.jpg", "below/4.jpg")
    assert np.unique(whole.features.image_ids).tolist() == [0, 1, 2, 3, 4]
    assert whole.images.resolve() == pictures.resolve()


def test_a_build_resumes_with_the_pictures_that_are_missing(
    pictures: Path, tmp_path: Path, retrieval_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PICTURES_A_PART", 2)
    index = tmp_path / "index"
    build_index(pictures, index, retrieval_run, CPU)
    parts = sorted(index.glob("part-*"))
    whole = [part.read_bytes() for part in parts]
    before = [part.stat().st_mtime_ns for part in parts]
    parts[2].unlink()
    build_index(pictures, index, retrieval_run, CPU)
    assert [part.read_bytes() for part in parts] == whole
    assert [part.stat().st_mtime_ns for part in parts[:2]] == before[:2]
    assert len(whole) == 3


def test_changed_new_and_lost_pictures_are_noticed(pictures: Path, tmp_path: Path, retrieval_run: Path) -> None:
    index = tmp_path / "index"
    build_index(pictures, index, retrieval_run, CPU)
    before = load_index(index)
    shutil.copy(pictures / "1.jpg", pictures / "5.jpg")
    shutil.copy(pictures / "2.jpg", pictures / "0.jpg")
    (pictures / "below" / "4.jpg").unlink()
    build_index(pictures, index, retrieval_run, CPU)
    after = load_index(index)
    assert after.files == ("0.jpg", "1.jpg", "2.jpg", "5.jpg", "below/3.jpg")
    assert len(read_features(index / "part-00001.safetensors")) > 0
    old = before.features[before.features.image_ids == 0].vectors
    new = after.features[after.features.image_ids == 0].vectors
    assert new.shape != old.shape or not np.allclose(new, old)


def test_a_broken_picture_is_named_and_left_out(pictures: Path, tmp_path: Path, retrieval_run: Path) -> None:
    (pictures / "broken.jpg").write_bytes((pictures / "0.jpg").read_bytes()[:500])
    (pictures / "text.png").write_text("no picture")
    assert build_index(pictures, tmp_path / "index", retrieval_run, CPU) == ["broken.jpg", "text.png"]
    assert len(np.unique(load_index(tmp_path / "index").features.image_ids)) == 5


def test_wrong_folders_and_models_are_refused(pictures: Path, tmp_path: Path, retrieval_run: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no pictures"):
        build_index(tmp_path / "empty", tmp_path / "index", retrieval_run, CPU)
    with pytest.raises(UserError, match="no such folder"):
        build_index(tmp_path / "absent", tmp_path / "index", retrieval_run, CPU)
    with pytest.raises(UserError, match=r"no index\.json"):
        load_index(pictures)
    build_index(pictures, tmp_path / "index", retrieval_run, CPU)
    with pytest.raises(UserError, match="another folder of pictures"):
        build_index(pictures / "below", tmp_path / "index", retrieval_run, CPU)
    (tmp_path / "index" / "part-00000.safetensors").write_text("damaged")
    with pytest.raises(UserError, match=r"part-00000.*damaged"):
        load_index(tmp_path / "index")
