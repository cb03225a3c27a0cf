"""The network that lesson 13 tries AlexNet's ideas on, and that its recorded runs have trained."""

import torch
from torch import nn


def start_weights(network: nn.Module, activation: str) -> None:
    """Draw weights anew: He's for "relu", Xavier's for all else; biases become 0 (lesson 13).

    Only those of the convolutions and linear layers that the network itself holds.
    """
    start = nn.init.kaiming_normal_ if activation == "relu" else nn.init.xavier_normal_
    for layer in network.children():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            assert layer.bias is not None
            start(layer.weight)
            nn.init.zeros_(layer.bias)


class SmallAlexNet(nn.Module):
    """AlexNet's plan on a small scale, with a switch for each of its ideas (lesson 13).

    activation: "relu", "tanh" or "sigmoid"; ReLU starts from He's weights, the others from
    Xavier's. dropout: the share of units switched off before each fully connected layer.
    normalise: local response normalisation after the first two convolutions. overlapping:
    pooling windows of 3 x 3 instead of 2 x 2, both with stride 2. groups: of the second and
    the fourth convolution.
    Takes (N, 1, 32, 32), returns logits (N, 10). 53,546 parameters without groups.

    Raises ValueError for another activation.

    Source: Krizhevsky, Sutskever and Hinton, ImageNet Classification with Deep Convolutional
    Neural Networks (2012), sections 3 and 4.2.
    """

    def __init__(
        self,
        activation: str = "relu",
        dropout: float = 0.0,
        normalise: bool = False,
        overlapping: bool = False,
        groups: int = 1,
    ) -> None:
        super().__init__()
        activations = {"relu": nn.ReLU(), "tanh": nn.Tanh(), "sigmoid": nn.Sigmoid()}
        if activation not in activations:
            raise ValueError(f"activation {activation!r} is none of {', '.join(activations)}.")
        self.conv1 = nn.Conv2d(1, 8, 5, stride=2, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1, groups=groups)
        self.conv3 = nn.Conv2d(16, 32, 3, padding=1)
        self.conv4 = nn.Conv2d(32, 32, 3, padding=1, groups=groups)
        self.fc1 = nn.Linear(288, 128)
        self.fc2 = nn.Linear(128, 10)

        self.act = activations[activation]
        self.norm = nn.LocalResponseNorm(5, alpha=5e-4, k=2) if normalise else nn.Identity()
        self.pool = nn.MaxPool2d(3 if overlapping else 2, stride=2)
        self.drop = nn.Dropout(dropout)
        start_weights(self, activation)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.act(self.conv1(x)))  # (N, 8, 15, 15)
        x = self.pool(x)  # (N, 8, 7, 7)
        x = self.norm(self.act(self.conv2(x)))  # (N, 16, 7, 7)
        x = self.pool(x)  # (N, 16, 3, 3)
        x = self.act(self.conv3(x))  # (N, 32, 3, 3)
        x = self.act(self.conv4(x))  # (N, 32, 3, 3)
        x = self.drop(x.flatten(1))  # (N, 288)
        x = self.drop(self.act(self.fc1(x)))  # (N, 128)
        return self.fc2(x)  # (N, 10), the logits
