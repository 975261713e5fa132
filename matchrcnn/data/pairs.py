"""Image pairs for retrieval: a user and a shop image that show the same item, and batches of them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import count, product
from typing import NamedTuple

import numpy as np

from matchrcnn.data.records import DatasetEntry
from matchrcnn.data.sampler import Draw, draw_seed

Identity = tuple[int, int]
"""pair_id and style > 0: items that have both in common are the same piece of clothing."""


class ImagePair(NamedTuple):
    """Places of a user and a shop image among the entries of a split, and the identities that they share."""

    user: int
    shop: int
    identities: tuple[Identity, ...]


def image_pairs(entries: Sequence[DatasetEntry]) -> list[ImagePair]:
    """All pairs of a user and a shop image that share an identity, in the order of the entries.

    This is what DeepFashion2 counts as image pairs (337,293 in its train split); two items in common make two item
    pairs (394,661), but one image pair.

    Args:
        entries: dataset dicts of `load_split`.
    """
    seen: dict[Identity, dict[str, set[int]]] = defaultdict(lambda: {"user": set(), "shop": set()})
    for place, entry in enumerate(entries):
        for item in entry["annotations"]:
            if item["style"] > 0:
                seen[item["pair_id"], item["style"]][entry["source"]].add(place)
    shared: dict[tuple[int, int], list[Identity]] = defaultdict(list)
    for identity, places in sorted(seen.items()):
        for pair in product(places["user"], places["shop"]):
            shared[pair].append(identity)
    return [ImagePair(*pair, tuple(identities)) for pair, identities in sorted(shared.items())]


class PairSampler:
    """Yields batches of image pairs for ever, user and shop image in turn: every pair once an epoch.

    As in `EpochSampler`, an iteration's batch is a function of seed and iteration alone.
    """

    def __init__(self, pairs: Sequence[ImagePair], per_batch: int, seed: int, start: int = 0) -> None:
        """Args: the pairs, how many a batch holds, and the iteration of the first batch."""
        self.pairs, self.per_batch, self.seed, self.start = pairs, per_batch, seed, start
        self._order, self._epoch = np.empty(0, np.int64), -1
        self._seen: set[Identity] = set()
        self._counted = 0

    def __iter__(self) -> Iterator[list[Draw]]:
        for iteration in count(self.start):
            batch = []
            for position in range(iteration * self.per_batch, (iteration + 1) * self.per_batch):
                pair = self._pair(position)
                batch.append(Draw(pair.user, draw_seed(self.seed, 2 * position)))
                batch.append(Draw(pair.shop, draw_seed(self.seed, 2 * position + 1)))
            yield batch

    def identities_seen(self, iterations: int) -> int:
        """Distinct identities in the first `iterations` batches; cheap when asked in rising order."""
        for position in range(self._counted, iterations * self.per_batch):
            self._seen.update(self._pair(position).identities)
        self._counted = max(self._counted, iterations * self.per_batch)
        return len(self._seen)

    def _pair(self, position: int) -> ImagePair:
        epoch, place = divmod(position, len(self.pairs))
        if epoch != self._epoch:
            self._epoch, self._order = epoch, np.random.default_rng((self.seed, epoch)).permutation(len(self.pairs))
        return self.pairs[self._order[place]]
