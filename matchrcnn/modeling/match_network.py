"""The match network of Match R-CNN: a feature a garment, and how similar two garments are.

Layers as the author lists them (DeepFashion2 repository, issue 31). The extractor is shared by user and shop images;
the similarity network subtracts two features, squares, and maps the result to two logits, channel 0 = similar.
"""

from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional

from matchrcnn.modeling.collectives import processes

IGNORED = -100
"""Target of a pair of which one side is no item of interest (style 0)."""


class FeatureExtractor(nn.Module):
    """RoI maps to features: 3x3 convolutions with ReLU, global average pool, ReLU, fc, BatchNorm.

    Weights are drawn as detectron2's heads draw theirs: MSRA for convolutions, the framework's default for the fc.
    """

    def __init__(self, in_channels: int, widths: Sequence[int] = (256, 256, 256, 1024), embedding: int = 256) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in widths:
            convolution = nn.Conv2d(in_channels, width, 3, padding=1)
            nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
            nn.init.constant_(convolution.get_parameter("bias"), 0)
            layers += [convolution, nn.ReLU()]
            in_channels = width
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.ReLU(), nn.Linear(in_channels, embedding)]
        self.layers = nn.Sequential(*layers)
        self.norm = nn.BatchNorm1d(embedding)

    def forward(self, maps: Tensor) -> Tensor:
        """(R, C, H, W) to (R, embedding), R RoIs of any images."""
        return self.norm(self.layers(maps))


class SimilarityNetwork(nn.Module):
    """Features of two garments to two logits: subtract, square, fc; channel 0 = similar.

    The fc starts as the squared distance, which makes near features similar; from random signs the first iterations go
    by with finding out that nearness counts. Chosen, no source tells how it starts.
    """

    def __init__(self, embedding: int = 256) -> None:
        super().__init__()
        self.fc = nn.Linear(embedding, 2)
        with torch.no_grad():
            self.fc.weight.copy_(torch.tensor([[-1.0], [1.0]]) / embedding)
            self.fc.bias.zero_()

    def forward(self, user: Tensor, shop: Tensor) -> Tensor:
        """Compare row by row: (N, embedding) twice to (N, 2)."""
        return self.fc((user - shop).square())

    def pair_logits(self, user: Tensor, shop: Tensor) -> Tensor:
        """Compare all with all: (U, embedding) and (S, embedding) to (U, S, 2) float32.

        The logits are linear in (u - s)^2 = u^2 - 2us + s^2, so three matrix products give them and nothing of
        U x S x embedding exists. Products are float64: near pairs are small differences of large squares.
        """
        with torch.autocast(user.device.type, enabled=False):
            u, s, weight = user.double(), shop.double(), self.fc.weight.double()
            cross = torch.matmul(u.unsqueeze(1) * weight, s.T).transpose(1, 2)
            squares = (u.square() @ weight.T).unsqueeze(1) + (s.square() @ weight.T).unsqueeze(0)
            return (squares - 2 * cross + self.fc.bias.double()).to(self.fc.bias.dtype)

    @torch.no_grad()
    def rank_weights(self) -> Tensor:
        """Weights w, (embedding,) float32: the logit difference is sum_k w_k (u_k - s_k)^2 plus a constant.

        It grows with the softmax score of "similar" and, unlike that, never saturates into ties; w may be negative.
        """
        return (self.fc.weight[0] - self.fc.weight[1]).float()

    @torch.no_grad()
    def rank_bias(self) -> float:
        """The constant that the score of `rank_weights` lacks: with it, it is the logit of "similar"."""
        return float(self.fc.bias[0] - self.fc.bias[1])


class MatchNetwork(nn.Module):
    """Extractor and similarity network, trained on all pairs of a batch."""

    def __init__(self, in_channels: int, widths: Sequence[int] = (256, 256, 256, 1024), embedding: int = 256) -> None:
        super().__init__()
        self.embedding = embedding
        self.extractor = FeatureExtractor(in_channels, widths, embedding)
        self.similarity = SimilarityNetwork(embedding)

    def pair_logits(self, maps: Tensor, identities: Tensor, is_user: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and targets of all user-shop pairs of the batch, over all processes.

        Features are gathered before BatchNorm: every process normalises and compares the whole batch, so that
        N processes learn exactly what one would on the same images. Processes must hold equally many RoIs.

        Args:
            maps: (R, C, H, W) RoI maps of this process.
            identities: (R, 2) int64, pair_id and style.
            is_user: (R,) bool.

        Returns:
            (U, S, 2) logits; (U, S) targets of `pair_targets`.
        """
        features = self.extractor.norm(gather(self.extractor.layers(maps)))
        identities, is_user = gather(identities), gather(is_user.long()).bool()
        user, shop = features[is_user], features[~is_user]
        logits = self.similarity.pair_logits(user, shop)
        return logits, pair_targets(identities[is_user], identities[~is_user])


def pair_targets(user: Tensor, shop: Tensor) -> Tensor:
    """The class of every pair: 0 similar, 1 not, IGNORED where a style is 0.

    Args:
        user: (U, 2) int64, pair_id and style of each RoI.
        shop: (S, 2) int64.

    Returns:
        (U, S) int64.
    """
    differs = (user.unsqueeze(1) != shop.unsqueeze(0)).any(dim=2).long()
    styles = user[:, None, 1] * shop[None, :, 1]
    return differs.masked_fill(styles == 0, IGNORED)


def pair_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy over the two-way softmax, mean over the pairs; 0 when there is none.

    Args:
        logits: (U, S, 2).
        targets: (U, S) as from `pair_targets`.
    """
    pairs = (targets != IGNORED).sum().clamp(min=1)
    return (
        functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="sum") / pairs
    )


def gather(rows: Tensor) -> Tensor:
    """Rows of all processes, in rank order, with gradients: (N, ...) to (processes * N, ...)."""
    if processes() == 1:
        return rows
    return _Gather.apply(rows)


class _Gather(torch.autograd.Function):
    """Every process computes the loss of the whole batch, and gradients are averaged over processes afterwards.

    Hence the backward pass sums the processes' (equal) gradients: the average then is the gradient of that one loss.
    """

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, rows: Tensor) -> Tensor:
        parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> Tensor:
        gradient = gradient.contiguous()
        dist.all_reduce(gradient)
        return gradient.chunk(dist.get_world_size())[dist.get_rank()]
