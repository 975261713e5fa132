"""ImageNet weights come from a file of any common form, by name, and no file is executed."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import load_file, save_file

from matchrcnn.config import Params, WeightsParams
from matchrcnn.errors import UserError
from matchrcnn.files import sha256
from matchrcnn.modeling.build import build_model
from matchrcnn.modeling.initial_weights import load_initial_weights
from matchrcnn.modeling.pretrained import BACKBONE, read_pretrained, write_initial


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
    weights, left_over = read_pretrained(torchvision_file, sha256(torchvision_file))
    assert left_over == ["fc.weight", "fc.bias"]
    own = {name for name in paper_backbone.state_dict() if name.startswith(BACKBONE)}
    assert set(weights) == own
    save_file(weights, tmp_path / "model.safetensors")
    start = load_initial_weights(paper_backbone, tmp_path / "model.safetensors", (BACKBONE,), exact=True)
    assert set(start.loaded) == own
    assert set(start.missing) == set(paper_backbone.state_dict()) - own
    assert start.left_over == []
    said = str(start).splitlines()
    assert said[0].startswith(f"  {len(own)} loaded: backbone.bottom_up.stem (5), backbone.bottom_up.res2 (50)")
    assert "roi_heads.box_predictor.cls_score (2)" in said[1]
    assert said[2] == "  0 left over"
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
    weights, _ = read_pretrained(path, sha256(path))
    assert {name.removeprefix(BACKBONE): float(value.flatten()[0]) for name, value in weights.items()} == {
        "stem.conv1.weight": 1,
        "stem.conv1.norm.weight": 2,
        "res2.0.conv1.weight": 3,
        "res2.0.shortcut.norm.bias": 4,
    }


def detectron_blobs(model: torch.nn.Module) -> dict[str, np.ndarray]:
    """Random weights by Caffe2's names, as R-50.pkl holds them: norms as affine layers, without statistics."""
    blobs = {"fc1000_w": np.zeros((1000, 2048), np.float32), "fc1000_b": np.zeros(1000, np.float32)}
    generator = np.random.default_rng(0)
    for name, value in model.state_dict().items():
        if not name.startswith(BACKBONE) or "running" in name or "num_batches" in name:
            continue
        block, *rest = name.removeprefix(BACKBONE).split(".")
        kind = "w" if rest[-1] == "weight" and "norm" not in rest else {"weight": "s", "bias": "b"}[rest[-1]]
        bn = "_bn" if "norm" in rest else ""
        if block == "stem":
            blob = f"conv1_{kind}" if not bn else f"res_conv1_bn_{kind}"
        else:
            branch = {"shortcut": "1", "conv1": "2a", "conv2": "2b", "conv3": "2c"}[rest[1]]
            blob = f"{block}_{rest[0]}_branch{branch}{bn}_{kind}"
        blobs[blob] = generator.standard_normal(value.shape, dtype=np.float32)
    return blobs


def test_detectrons_file_fills_the_whole_backbone_and_leaves_the_statistics_alone(
    tmp_path: Path, paper_backbone: torch.nn.Module
) -> None:
    blobs, path = detectron_blobs(paper_backbone), tmp_path / "R-50.pkl"
    path.write_bytes(pickle.dumps(blobs, protocol=2))
    weights, left_over = read_pretrained(path, sha256(path))
    assert len(left_over) == 2
    save_file({name: value.contiguous() for name, value in weights.items()}, tmp_path / "model.safetensors")
    start = load_initial_weights(paper_backbone, tmp_path / "model.safetensors", (BACKBONE,), exact=True)
    missing = [name for name in start.missing if name.startswith(BACKBONE)]
    assert missing
    assert all(name.endswith((".running_mean", ".running_var")) for name in missing)
    state = paper_backbone.state_dict()
    assert np.array_equal(state[f"{BACKBONE}res4.5.conv2.weight"], blobs["res4_5_branch2b_w"])
    assert np.array_equal(state[f"{BACKBONE}stem.conv1.norm.bias"], blobs["res_conv1_bn_b"])


@pytest.mark.parametrize(("network", "said"), [("resnet18", "has not backbone"), ("resnet101", "another network")])
def test_weights_of_another_network_are_refused(
    tmp_path: Path, paper_backbone: torch.nn.Module, network: str, said: str
) -> None:
    path = tmp_path / "other.pth"
    torch.save(getattr(torchvision.models, network)(weights=None).state_dict(), path)
    weights, _ = read_pretrained(path, sha256(path))
    save_file(weights, tmp_path / "model.safetensors")
    before = {name: value.clone() for name, value in paper_backbone.state_dict().items()}
    with pytest.raises(UserError, match=said):
        load_initial_weights(paper_backbone, tmp_path / "model.safetensors", (BACKBONE,), exact=True)
    assert all(torch.equal(before[name], value) for name, value in paper_backbone.state_dict().items())


def test_safetensors_and_nested_state_dicts_are_read(tmp_path: Path, torchvision_file: Path) -> None:
    state = torch.load(torchvision_file, weights_only=True)
    expected, _ = read_pretrained(torchvision_file, sha256(torchvision_file))
    torch.save({"epoch": 3, "state_dict": state}, tmp_path / "nested.pth")
    save_file({name: value.contiguous() for name, value in state.items()}, tmp_path / "plain.safetensors")
    for name in ("nested.pth", "plain.safetensors"):
        found, _ = read_pretrained(tmp_path / name, sha256(tmp_path / name))
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[key], expected[key]) for key in found)


@pytest.mark.parametrize("name", ["weights.pkl", "weights.pth", "weights.safetensors"])
def test_what_holds_no_tensors_by_name_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    torch.save([1, 2], path) if name.endswith(".pth") else path.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(UserError, match=rf"{name}: not a weights file"):
        read_pretrained(path, sha256(path))


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


def test_a_plain_path_is_a_file_of_any_digest(torchvision_file: Path, tmp_path: Path) -> None:
    source = WeightsParams.model_validate(str(torchvision_file))
    assert source == WeightsParams(file=torchvision_file)
    told = write_initial(source, tmp_path / "initial/model.safetensors")
    expected, _ = read_pretrained(torchvision_file, sha256(torchvision_file))
    assert load_file(tmp_path / "initial/model.safetensors").keys() == expected.keys()
    assert str(torchvision_file) in told


def test_no_file_writes_no_tensor(tmp_path: Path) -> None:
    assert write_initial(None, tmp_path / "initial/model.safetensors") == "initial: from scratch"
    assert load_file(tmp_path / "initial/model.safetensors") == {}
