"""Batch normalisation over the whole minibatch, whatever the number of processes that share it."""

import torch
from fvcore.nn.distributed import differentiable_all_reduce
from torch import Tensor, nn

from matchrcnn.modeling.collectives import processes


class SharedBatchNorm2d(nn.BatchNorm2d):
    """`BatchNorm2d` with the statistics of all processes, whose parts must have one shape.

    torch's SyncBatchNorm does not run on a CPU; detectron2's NaiveSyncBatchNorm takes E[x^2] - E[x]^2 for the variance
    and keeps a biased running one, so that neither is what one process computes.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the maps of this process' images, (N, C, H, W) float, over the maps of all processes."""
        if not self.training or processes() == 1:
            return super().forward(x)
        wide = x.to(self.weight.dtype)  # half precision does not hold these sums
        count = processes() * wide[:, 0].numel()
        mean = differentiable_all_reduce(wide.sum((0, 2, 3))) / count
        centred = wide - mean[:, None, None]
        variance = differentiable_all_reduce(centred.square().sum((0, 2, 3))) / count
        self._remember(mean.detach(), variance.detach() * count / (count - 1))
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        for name, found in (("running_mean", mean), ("running_var", variance)):
            self.get_buffer(name).lerp_(found, self.momentum or 0.0)
        self.get_buffer("num_batches_tracked").add_(1)


def share_norms(model: nn.Module) -> None:
    """Make a model's 2d batch norms those of the whole minibatch, under the same names and with the same weights."""
    for module in model.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SharedBatchNorm2d
