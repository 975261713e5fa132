"""ImageNet weights come from a file of any common form, by name, and no file is executed."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file

from matchrcnn.config import Params
from matchrcnn.errors import UserError
from matchrcnn.files import sha256
from matchrcnn.modeling.build import build_model
from matchrcnn.modeling.initial_weights import load_initial_weights
from matchrcnn.modeling.pretrained import BACKBONE, read_pretrained


@pytest.fixture(scope="module")
def paper_backbone(paper_preset: Params) -> torch.nn.Module:
    """The paper's model; only its backbone matters here."""
    return build_model(paper_preset.run("detection"), torch.device("cpu"))


@pytest.fixture(scope="module")
def torchvision_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ResNet-50 weights as torchvision publishes them, drawn at random."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("weights") / "resnet50.pth"
    torch.save(torchvision.models.resnet50(weights=None).state_dict(), path)
    return path


def test_torchvisions_weights_fill_the_whole_backbone(
    tmp_path: Path, torchvision_file: Path, paper_backbone: torch.nn.Module
) -> None:
    weights = read_pretrained(torchvision_file, sha256(torchvision_file))
    own = {name for name in paper_backbone.state_dict() if name.startswith(BACKBONE)}
    assert set(weights) == own
    save_file(weights, tmp_path / "model.safetensors")
    assert load_initial_weights(paper_backbone, tmp_path / "model.safetensors", (BACKBONE,)) == len(own)
    original = torch.load(torchvision_file, weights_only=True)
    state = paper_backbone.state_dict()
    assert torch.equal(state[f"{BACKBONE}stem.conv1.weight"], original["conv1.weight"])
    assert torch.equal(state[f"{BACKBONE}res3.0.shortcut.weight"], original["layer2.0.downsample.0.weight"])
    assert torch.equal(state[f"{BACKBONE}res5.2.conv3.norm.running_var"], original["layer4.2.bn3.running_var"])


def test_detectrons_names_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "R-50.pkl"
    blobs = {
        "conv1_w": np.full((64, 3, 7, 7), 1, np.float32),
        "res_conv1_bn_s": np.full(64, 2, np.float32),
        "res2_0_branch2a_w": np.full((64, 64, 1, 1), 3, np.float32),
        "res2_0_branch1_bn_b": np.full(256, 4, np.float32),
    }
    path.write_bytes(pickle.dumps({"blobs": blobs}))
    weights = read_pretrained(path, sha256(path))
    assert {name.removeprefix(BACKBONE): float(value.flatten()[0]) for name, value in weights.items()} == {
        "stem.conv1.weight": 1,
        "stem.conv1.norm.weight": 2,
        "res2.0.conv1.weight": 3,
        "res2.0.shortcut.norm.bias": 4,
    }


class Malicious:
    """Unpickling it would run a command."""

    def __reduce__(self) -> tuple:
        return (Path.touch, (Path("owned"),))


@pytest.mark.parametrize("name", ["weights.pkl", "weights.pth"])
def test_a_pickle_that_runs_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    path.write_bytes(pickle.dumps({"conv1_w": Malicious()}, protocol=2))
    with pytest.raises(UserError, match="read without running it"):
        read_pretrained(path, sha256(path))
    assert not Path("owned").exists()


def test_a_wrong_file_is_refused(tmp_path: Path, torchvision_file: Path) -> None:
    with pytest.raises(UserError, match="SHA-256 is"):
        read_pretrained(torchvision_file, "0" * 64)
    with pytest.raises(UserError, match="no such file"):
        read_pretrained(tmp_path / "none.pth", "0" * 64)
    other = tmp_path / "other.safetensors"
    save_file({"encoder.weight": torch.zeros(2)}, other)
    with pytest.raises(UserError, match=r"no ResNet.*encoder\.weight"):
        read_pretrained(other, sha256(other))
