from itertools import islice
from typing import Any

import numpy as np
import pytest

from matchrcnn.data.original.tally import Member, pairs
from matchrcnn.data.pairs import ImagePair, PairSampler, image_pairs

PAIRS = [ImagePair(2 * place, 2 * place + 1, ((place // 3, 1),)) for place in range(10)]


def entry(source: str, *identities: tuple[int, int]) -> dict[str, Any]:
    return {"source": source, "annotations": [{"pair_id": pair_id, "style": style} for pair_id, style in identities]}


def test_images_that_share_an_identity_are_a_pair_once() -> None:
    entries = [
        entry("user", (1, 1), (1, 2), (1, 0)),
        entry("shop", (1, 1), (1, 2)),
        entry("shop", (1, 2), (1, 2)),
        entry("shop", (1, 0)),
        entry("shop", (2, 1)),
        entry("user", (1, 1)),
    ]
    assert image_pairs(entries) == [
        ImagePair(0, 1, ((1, 1), (1, 2))),
        ImagePair(0, 2, ((1, 2),)),
        ImagePair(5, 1, ((1, 1),)),
    ]


def test_there_are_as_many_as_the_data_sets_count_says() -> None:
    rng = np.random.default_rng(0)
    entries = [
        entry(str(rng.choice(["user", "shop"])), *((int(rng.integers(6)), int(rng.integers(3))) for _ in range(2)))
        for _ in range(80)
    ]
    members = [
        Member(item["pair_id"], item["style"], each["source"], image)
        for image, each in enumerate(entries)
        for item in each["annotations"]
        if item["style"]
    ]
    counted = pairs(members)
    assert len(image_pairs(entries)) == counted["image_pairs"] < counted["item_pairs"]


def test_batches_are_pairs_user_first_and_every_pair_comes_once_an_epoch() -> None:
    batches = list(islice(PairSampler(PAIRS, 2, seed=3), 5))
    drawn = [(batch[i].place, batch[i + 1].place) for batch in batches for i in (0, 2)]
    assert sorted(drawn) == [(pair.user, pair.shop) for pair in PAIRS]
    assert len({draw.seed for batch in batches for draw in batch}) == 20
    second = list(islice(PairSampler(PAIRS, 2, seed=3), 5, 10))
    assert [draw.place for batch in second for draw in batch] != [draw.place for batch in batches for draw in batch]


@pytest.mark.parametrize("start", [1, 4, 7])
def test_a_resumed_run_sees_what_it_would_have_seen(start: int) -> None:
    whole = list(islice(PairSampler(PAIRS, 3, seed=5), 12))
    assert list(islice(PairSampler(PAIRS, 3, seed=5, start=start), 12 - start)) == whole[start:]


def test_identities_are_counted_from_the_first_batch_on_wherever_it_was_resumed() -> None:
    sampler, resumed = PairSampler(PAIRS, 2, seed=3), PairSampler(PAIRS, 2, seed=3, start=3)
    counts = [sampler.identities_seen(iterations) for iterations in range(7)]
    assert counts[0] == 0
    assert counts == sorted(counts)
    assert counts[5:] == [4, 4]
    assert resumed.identities_seen(4) == counts[4]
