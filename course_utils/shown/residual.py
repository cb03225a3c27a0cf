"""The small networks of lesson 14, with and without shortcuts, which its records have trained."""

import torch
from torch import nn
from torch.nn import functional as F


def two_convolutions(channels_in: int, channels_out: int, stride: int) -> nn.Sequential:
    """What a block computes beside its shortcut: (N, channels_in, H, W) to (N, channels_out, …)."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
        nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
    )


class Plain(nn.Module):
    """A block without a shortcut: (N, channels_in, H, W) to (N, channels_out, H / stride, …)."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.branch = two_convolutions(channels_in, channels_out, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.branch(x))


class Residual(nn.Module):
    """A block with a shortcut, a projection where channels or sides change; shapes as `Plain`.

    Source: He, Zhang, Ren and Sun, Deep Residual Learning for Image Recognition (2016),
    section 3.2.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.branch = two_convolutions(channels_in, channels_out, stride)
        self.shortcut: nn.Module = nn.Identity()
        if channels_in != channels_out or stride > 1:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels_out, 1, stride, bias=False),
                nn.BatchNorm2d(channels_out),
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.shortcut(x) + self.branch(x))


def network(block: type[nn.Module], blocks_a_stage: int) -> nn.Sequential:
    """A network of 6 blocks_a_stage + 2 layers in three stages, from (N, 1, 28, 28) to (N, 10).

    Source: He et al. (2016), section 4.2.
    """
    layers = [nn.AvgPool2d(2), nn.Conv2d(1, 8, 3, padding=1, bias=False)]  # (N, 8, 14, 14)
    layers += [nn.BatchNorm2d(8), nn.ReLU()]
    channels = 8
    for wider, stride in [(8, 1), (16, 2), (32, 2)]:  # sides 14, 7, 4
        for _ in range(blocks_a_stage):
            layers.append(block(channels, wider, stride))
            channels, stride = wider, 1
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))
