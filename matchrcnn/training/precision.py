"""Mixed precision: where half precision computes, and the scaling that keeps its gradients from vanishing."""

import torch


class Precision:
    """Float32, or mixed: on a GPU float16 with scaled gradients, on a CPU bfloat16, whose range needs no scaling."""

    def __init__(self, mixed: bool, device: torch.device) -> None:
        self.mixed, self.device = mixed, device
        self.dtype = torch.float16 if device.type == "cuda" else torch.bfloat16
        self.scaler = torch.amp.GradScaler(device.type, enabled=mixed and device.type == "cuda")

    def autocast(self) -> torch.autocast:
        """Return the context in which losses are computed."""
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=self.mixed)
