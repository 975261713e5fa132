"""Pairs and queries are those of their definitions, counted one by one."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from matchrcnn.data.original.tally import Member, pairs

members = st.builds(
    Member,
    pair_id=st.integers(1, 2),
    style=st.integers(1, 2),
    source=st.sampled_from(["shop", "user"]),
    image_id=st.integers(1, 3),
)


@given(st.lists(members, max_size=12))
def test_pairs_and_queries_by_looking_at_every_two_items(items: list[Member]) -> None:
    user, shop = ([item for item in items if item.source == source] for source in ("user", "shop"))
    together = [(u, s) for u, s in product(user, shop) if (u.pair_id, u.style) == (s.pair_id, s.style)]
    assert pairs(items) == {
        "identities": len({(item.pair_id, item.style) for item in items}),
        "item_pairs": len(together),
        "image_pairs": len({(u.image_id, s.image_id) for u, s in together}),
        "queries": len(user),
        "queries_without_match": sum(all(u is not matched for matched, _ in together) for u in user),
    }
