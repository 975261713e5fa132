import os
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn
from torch.nn import functional

from matchrcnn.modeling.match_network import (
    IGNORED,
    FeatureExtractor,
    MatchNetwork,
    SimilarityNetwork,
    pair_loss,
    pair_targets,
)


def test_extractor_has_the_layers_that_the_author_lists() -> None:
    extractor = FeatureExtractor(256)
    kinds = [type(layer) for layer in extractor.layers]
    conv = [nn.Conv2d, nn.ReLU]
    assert kinds == [*conv, *conv, *conv, *conv, nn.AdaptiveAvgPool2d, nn.Flatten, nn.ReLU, nn.Linear]
    convolutions = [layer for layer in extractor.layers if isinstance(layer, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels) for c in convolutions] == [(256, 256)] * 3 + [(256, 1024)]
    assert {(c.kernel_size, c.padding, c.stride) for c in convolutions} == {((3, 3), (1, 1), (1, 1))}
    assert (extractor.layers[-1].in_features, extractor.layers[-1].out_features) == (1024, 256)
    assert isinstance(extractor.norm, nn.BatchNorm1d)
    similarity = SimilarityNetwork()
    assert (similarity.fc.in_features, similarity.fc.out_features) == (256, 2)


def similarity_network() -> SimilarityNetwork:
    """Weights of both signs and a bias, as training may leave them."""
    network = SimilarityNetwork()
    with torch.no_grad():
        network.fc.weight.copy_(torch.randn(2, 256) / 16)
        network.fc.bias.copy_(torch.tensor([0.3, -0.2]))
    return network


def test_at_the_start_near_features_are_similar() -> None:
    near, far = (SimilarityNetwork()(torch.zeros(1, 256), torch.full((1, 256), by))[0] for by in (0.1, 2.0))
    assert near[0] - near[1] > far[0] - far[1]


@pytest.mark.parametrize(("channels", "size"), [(256, 7), (256, 14), (512, 14), (768, 14)])
def test_every_variant_gives_256_numbers_a_region(channels: int, size: int) -> None:
    extractor = FeatureExtractor(channels, widths=(8, 8, 8, 16)).eval()
    assert extractor(torch.rand(3, channels, size, size)).shape == (3, 256)
    assert extractor(torch.rand(0, channels, size, size)).shape == (0, 256)


def test_similarity_is_symmetric_and_channel_0_means_similar() -> None:
    torch.manual_seed(0)
    similarity, user, shop = similarity_network(), torch.randn(5, 256), torch.randn(5, 256)
    assert torch.equal(similarity(user, shop), similarity(shop, user))
    targets = pair_targets(torch.tensor([[7, 1]]), torch.tensor([[7, 1]]))
    certain = torch.tensor([[[20.0, -20.0]]])
    assert pair_loss(certain, targets) < 1e-6 < pair_loss(certain.flip(2), targets)


@pytest.mark.parametrize("offset", [0.0, 300.0])
@pytest.mark.parametrize("spread", [1.0, 1e-3])
def test_all_pairs_by_matrix_products_are_the_naive_network(offset: float, spread: float) -> None:
    torch.manual_seed(1)
    similarity = similarity_network()
    user, shop = (offset + spread * torch.randn(n, 256) for n in (9, 13))
    naive = torch.stack([similarity.double()(u.double().expand_as(shop), shop.double()) for u in user])
    torch.testing.assert_close(similarity.float().pair_logits(user, shop).double(), naive, rtol=1e-5, atol=1e-6)


def test_all_pairs_by_matrix_products_have_the_naive_gradients() -> None:
    torch.manual_seed(2)
    similarity = similarity_network()
    user, shop = (torch.randn(n, 256, requires_grad=True) for n in (4, 6))
    inputs = [user, shop, *similarity.parameters()]
    naive = similarity(user[:, None], shop[None])
    ours = similarity.pair_logits(user, shop)
    direction = torch.randn_like(naive)
    for a, b in zip(
        torch.autograd.grad(ours, inputs, direction), torch.autograd.grad(naive, inputs, direction), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_no_tensor_of_pairs_times_features_is_kept_for_the_backward_pass() -> None:
    sizes: list[int] = []
    similarity, user, shop = similarity_network(), torch.randn(64, 256, requires_grad=True), torch.randn(64, 256)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t):
        similarity.pair_logits(user, shop)
    assert max(sizes) <= 64 * 2 * 256


def test_the_rank_score_orders_as_the_similar_probability_does() -> None:
    torch.manual_seed(3)
    similarity, user, shop = similarity_network(), torch.randn(1, 256), torch.randn(50, 256)
    probability = functional.softmax(similarity(user.double().float(), shop).double(), dim=1)[:, 0]
    score = ((user - shop).square() * similarity.rank_weights()).sum(dim=1)
    assert torch.equal(score.argsort(), probability.argsort())


def test_a_pair_is_positive_when_pair_and_style_agree_and_style_0_takes_no_part() -> None:
    user = torch.tensor([[1, 1], [1, 2], [2, 1], [1, 0]])
    shop = torch.tensor([[1, 1], [2, 1], [1, 0]])
    expected = [[0, 1, IGNORED], [1, 1, IGNORED], [1, 0, IGNORED], [IGNORED] * 3]
    assert pair_targets(user, shop).tolist() == expected


def test_pair_loss_is_the_mean_over_pairs() -> None:
    torch.manual_seed(4)
    logits, targets = torch.randn(2, 2, 2), torch.tensor([[0, 1], [1, IGNORED]])
    single = [-functional.log_softmax(logits[i, j], 0)[targets[i, j]] for i, j in ((0, 0), (0, 1), (1, 0))]
    torch.testing.assert_close(pair_loss(logits, targets), torch.stack(single).mean())
    nothing = pair_loss(logits.requires_grad_(), torch.full((2, 2), IGNORED))
    nothing.backward()
    assert nothing == 0
    assert logits.grad is not None
    assert logits.grad.abs().max() == 0


def test_eight_image_pairs_make_512_positives_and_3584_negatives() -> None:
    identities = torch.stack([torch.arange(8).repeat_interleave(8), torch.ones(64, dtype=torch.long)], dim=1)
    targets = pair_targets(identities, identities)
    assert ((targets == 0).sum().item(), (targets == 1).sum().item()) == (512, 3584)


def batch() -> tuple[Tensor, Tensor, Tensor]:
    maps = torch.randn(16, 4, 5, 5, generator=torch.Generator().manual_seed(5)).double()
    identities = torch.stack([torch.arange(16) // 4, torch.ones(16, dtype=torch.long)], dim=1)
    return maps, identities, torch.arange(16) % 4 < 2


def trained(maps: Tensor, identities: Tensor, is_user: Tensor) -> dict[str, Tensor]:
    """Gradients, the loss and the running statistics after one step's forward and backward passes."""
    torch.manual_seed(6)
    network = MatchNetwork(4, widths=(6, 6, 6, 8), embedding=5).double()
    module = nn.parallel.DistributedDataParallel(Step(network)) if dist.is_initialized() else Step(network)
    loss = module(maps, identities, is_user)
    loss.backward()
    gradients = {name: p.grad for name, p in network.named_parameters() if p.grad is not None}
    return {**gradients, "loss": loss.detach(), "mean": network.extractor.norm.running_mean}


class Step(nn.Module):
    def __init__(self, network: MatchNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, maps: Tensor, identities: Tensor, is_user: Tensor) -> Tensor:
        return pair_loss(*self.network.pair_logits(maps, identities, is_user))


def worker(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    part = slice(8 * rank, 8 * rank + 8)
    torch.save(trained(*(rows[part] for rows in batch())), Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_learn_what_one_learns_on_the_same_images(tmp_path: Path) -> None:
    mp.spawn(worker, args=(str(tmp_path),), nprocs=2)
    alone = trained(*batch())
    assert len(alone) == 14 + 2
    for rank in (0, 1):
        together = torch.load(tmp_path / f"{rank}.pt")
        for name, value in alone.items():
            torch.testing.assert_close(together[name], value, rtol=1e-4, atol=1e-6, msg=lambda m, n=name: f"{n}: {m}")
