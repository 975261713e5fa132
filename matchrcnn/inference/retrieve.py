"""Run a trained retrieval run over a split: features, and what they retrieve, in the official result format."""

from collections import defaultdict
from pathlib import Path

from tqdm import tqdm

from matchrcnn.config import HardwareParams, InferenceParams
from matchrcnn.data.loader import inference_loader
from matchrcnn.data.mapper import Mapper
from matchrcnn.data.split import Split, load_split
from matchrcnn.files import write_json
from matchrcnn.inference.embedding import embed_batches, load_retrieval_model, rank_weights, with_given_boxes
from matchrcnn.inference.split import official_results
from matchrcnn.modeling.build import pick_device
from matchrcnn.modeling.determinism import make_deterministic
from matchrcnn.retrieval.features import Features, joined, retrieve, write_features
from matchrcnn.retrieval.files import result_file, write_retrieved
from matchrcnn.tasks import PROTOCOLS


def predict_retrieval(
    folder: Path, split: Split, output: Path, inference: InferenceParams, hardware: HardwareParams
) -> None:
    """Detect, embed and retrieve in one pass over a split.

    Writes boxes.json, and for detected and for ground-truth boxes a result file (`result_file`) and the features of
    user and shop images, PROTOCOL_user.safetensors and PROTOCOL_shop.safetensors.

    Args:
        folder: the trained run, `models/RUN`.
        split: the images; its annotations give the ground-truth boxes.
        output: folder of the run's results.
        inference: what counts as a detection.
        hardware: device, threads and loader workers.

    Raises:
        UserError: the run is not of task retrieval, or the split has no image of a source.
    """
    make_deterministic(hardware.threads)
    model, run = load_retrieval_model(folder, pick_device(hardware.device), inference)
    entries = [with_given_boxes(entry) for entry in load_split(split)]
    source = {entry["image_id"]: entry["source"] for entry in entries}
    mapper = Mapper(run.model, flip=False, masks=False, landmarks=False)
    loader = inference_loader(entries, mapper, run.inference.minibatch, hardware.loader_workers)
    boxes = []
    features: dict[tuple[str, str], list[Features]] = defaultdict(list)
    for found in tqdm(embed_batches(model, loader), total=len(entries), desc=f"predict {run.name}", mininterval=1):
        boxes += official_results(found.image_id, found.instances)["boxes"]
        for protocol in PROTOCOLS:
            features[protocol, source[found.image_id]].append(getattr(found, protocol))
    write_json(output / "boxes.json", boxes)
    for protocol in PROTOCOLS:
        user, shop = (_all(features[protocol, side], model.match_network.embedding) for side in ("user", "shop"))
        write_features(output / f"{protocol}_user.safetensors", user)
        write_features(output / f"{protocol}_shop.safetensors", shop)
        write_retrieved(result_file(output, protocol), retrieve(user, shop, rank_weights(model)))


def _all(parts: list[Features], embedding: int) -> Features:
    return joined([Features.empty(embedding), *parts])
