"""Run a trained model over a split and write official result files."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from detectron2.structures import Instances
from tqdm import tqdm

from matchrcnn.config import HardwareParams, InferenceParams
from matchrcnn.data.loader import inference_loader
from matchrcnn.data.mapper import Mapper
from matchrcnn.data.records import EntryAnnotation, Minibatch, ModelInput
from matchrcnn.data.split import Entries, Split, load_split
from matchrcnn.files import write_json
from matchrcnn.inference.network import Network
from matchrcnn.masks import encode
from matchrcnn.retrieval.features import Features, joined, retrieve, write_features
from matchrcnn.retrieval.files import result_file, write_retrieved
from matchrcnn.tasks import BOXES, DETECTION_STREAMS, EMBEDDINGS, LANDMARKS, MASKS, PROTOCOLS, TASKS, Stream
from matchrcnn.taxonomy import CATEGORIES

Results = dict[Stream, list[dict[str, object]]]
"""Stream -> entries in the official result format."""

Regions = dict[tuple[str, str], list[Features]]
"""Protocol of retrieval, and user or shop -> regions of each image."""


def predict_run(folder: Path, split: Split, output: Path, inference: InferenceParams, hardware: HardwareParams) -> None:
    """Write the results of a trained run on every image of a split: the files of each stream that its task predicts.

    Detections are boxes.json and, by the task, masks.json or landmarks.json. Retrieval is, for detected and for
    ground-truth boxes, a result file (`result_file`) and the features of user and shop images,
    PROTOCOL_user.safetensors and PROTOCOL_shop.safetensors.

    Args:
        folder: the trained run, `models/RUN`.
        split: the images; its annotations give the ground-truth boxes of retrieval, and no more.
        output: folder of the run's results.
        inference: what counts as a detection.
        hardware: device, threads and loader workers.

    Raises:
        UserError: the folder holds no trained run, or the split cannot be read.
    """
    network = Network.load(folder, hardware.device, inference, threads=hardware.threads)
    streams = TASKS[network.run.task].predicts
    network.limit(streams)
    results: Results = {stream: [] for stream in streams if stream in DETECTION_STREAMS}
    regions: Regions = defaultdict(list)
    for batch in _batches(network, load_split(split), hardware.loader_workers):
        for entry, found in zip(batch, network.detect(batch), strict=True):
            for stream, entries in official_results(found.image_id, found.instances, list(results)).items():
                results[stream] += entries
            for protocol, own in found.regions.items():
                regions[protocol, entry["source"]].append(own)
    for stream, entries in results.items():
        write_json(output / f"{stream.files[0]}.json", entries)
    if EMBEDDINGS in streams:
        _write_retrieval(output, regions, network)


def _batches(network: Network, entries: Entries, workers: int) -> Iterator[Minibatch]:
    """Inputs of all images, in order; those of a network that embeds have their ground-truth boxes as given boxes."""
    run, pictures, given = network.run, [], {}
    for entry in entries:  # each a dict of its own
        items = entry.pop("annotations")
        pictures.append(entry)
        if network.embeds:
            given[entry["image_id"]] = _given(items)
    mapper = Mapper(run.model, flip=False, masks=False, landmarks=False)
    loader = inference_loader(pictures, mapper, run.inference.minibatch, workers)
    with tqdm(total=len(pictures), desc=f"predict {run.name}", unit="image", mininterval=1) as bar:
        for batch in loader:
            yield [_with_given(entry, given) for entry in batch]
            bar.update(len(batch))


def _given(items: Sequence[EntryAnnotation]) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (M, 4) float32 and categories (M,) int64, 1..13, of an image's items."""
    boxes = np.array([item["bbox"] for item in items], np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    return boxes, np.array([item["category_id"] + 1 for item in items], np.int64)


def _with_given(entry: ModelInput, given: dict[int, tuple[np.ndarray, np.ndarray]]) -> ModelInput:
    if entry["image_id"] in given:
        entry["given_boxes"], entry["given_categories"] = given[entry["image_id"]]
    return entry


def official_results(image_id: int, instances: Instances, streams: Sequence[Stream]) -> Results:
    """Return one image's detections in the official formats, a list for each stream.

    Args:
        image_id: of the image.
        instances: N detections in pixels of the picture as stored, on the CPU; see `network.Detected`.
        streams: of boxes (xywh), masks (run lengths) and landmarks (those of the category, flat x, y, score).
    """
    shared = [
        {"image_id": image_id, "category_id": int(label) + 1, "score": float(score)}
        for label, score in zip(instances.pred_classes, instances.scores, strict=True)
    ]
    return {
        stream: [entry | {stream.payload: own} for entry, own in zip(shared, _PAYLOADS[stream](instances), strict=True)]
        for stream in streams
    }


def _boxes(instances: Instances) -> list[list[float]]:
    boxes = instances.pred_boxes.tensor.double().numpy()
    boxes[:, 2:] -= boxes[:, :2]
    return list(boxes.tolist())


def _landmarks(instances: Instances) -> list[list[float]]:
    counts = [CATEGORIES[label].count for label in instances.pred_classes.tolist()]
    points = instances.pred_keypoints.numpy()
    return [own[:count].astype(float).ravel().tolist() for own, count in zip(points, counts, strict=True)]


_PAYLOADS: dict[Stream, Callable[[Instances], Sequence[object]]] = {
    BOXES: _boxes,
    MASKS: lambda instances: [encode(mask) for mask in instances.pred_masks.numpy()],
    LANDMARKS: _landmarks,
}


def _write_retrieval(output: Path, regions: Regions, network: Network) -> None:
    """Write the features of both sides, and what the user's retrieve from the shop's, for each protocol."""
    for protocol in PROTOCOLS:
        user, shop = (
            joined([Features.empty(network.embedding), *regions[protocol, side]]) for side in ("user", "shop")
        )
        write_features(output / f"{protocol}_user.safetensors", user)
        write_features(output / f"{protocol}_shop.safetensors", shop)
        write_retrieved(result_file(output, protocol), retrieve(user, shop, network.rank_weights))
