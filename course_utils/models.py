"""The networks of the course, exactly as the lessons build them."""

from itertools import pairwise

import torch
from torch import nn


class MLP(nn.Module):
    """A multi-layer perceptron: fully connected layers with ReLU between them (lesson 08).

    sizes: the number of values in the input, in each hidden layer and in the output.
    Takes (N, ...) with sizes[0] values an image, flattened first; returns logits (N, sizes[-1]).
    """

    def __init__(self, *sizes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        for inputs, outputs in pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])  # no ReLU at the end: logits may be negative
        self.arguments = sizes

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


class LeNet(nn.Module):
    """LeNet-5 as it is built today, with max pooling and ReLU (lesson 09): 61,706 parameters.

    Takes (N, 1, 32, 32), returns logits (N, 10).

    Source: LeCun, Bottou, Bengio and Haffner, Gradient-Based Learning Applied to Document
    Recognition (1998), section II.B, whose network pools, connects and classifies differently.
    """

    arguments = ()

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, kernel_size=5),  # (N, 6, 28, 28)
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 6, 14, 14)
            nn.Conv2d(6, 16, kernel_size=5),  # (N, 16, 10, 10)
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 16, 5, 5)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (N, 400)
            nn.Linear(400, 120),
            nn.ReLU(),
            nn.Linear(120, 84),
            nn.ReLU(),
            nn.Linear(84, 10),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(x))


class CNN(nn.Module):
    """A convolutional network with more and smaller kernels (lesson 11): 421,642 parameters.

    Takes (N, 1, 28, 28), returns logits (N, 10).
    """

    arguments = ()

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 32, kernel_size=3, padding=1),  # (N, 32, 28, 28)
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 32, 14, 14)
            nn.Conv2d(32, 64, kernel_size=3, padding=1),  # (N, 64, 14, 14)
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 64, 7, 7)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (N, 3136)
            nn.Linear(3136, 128),
            nn.ReLU(),
            nn.Linear(128, 10),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(x))


#: What a stored checkpoint may ask for: nothing else is ever built from a file.
ARCHITECTURES = {"MLP": MLP, "LeNet": LeNet, "CNN": CNN}
