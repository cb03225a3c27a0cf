"""The patients of lesson 17: training runs on the embedded digits, each with one silent fault.

``Healthy`` says how a network is made, fed, trained and measured. A patient is the same but for one
method, which ``source`` shows; ``run`` trains it, and writes down what an engineer could look at.
"""

import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional as F

from course_utils.images import load_images

#: The names of the layers that have weights, from the input to the output.
LAYERS = ("conv 1", "conv 2", "fc 1", "fc 2")


class Network(nn.Module):
    """A small CNN with batch normalisation and dropout: (N, 1, 28, 28) to logits (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 5, stride=2, padding=2)
        self.norm = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 5, stride=2, padding=2)
        self.drop = nn.Dropout(0.5)
        self.fc1, self.fc2 = nn.Linear(784, 64), nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.norm(self.conv1(x)))  # (N, 8, 14, 14)
        x = F.relu(self.conv2(x)).flatten(1)  # (N, 16, 7, 7) -> (N, 784)
        return self.fc2(F.relu(self.fc1(self.drop(x))))  # (N, 10)


class Healthy:
    """A run without a fault. Images x (N, 1, 28, 28) are float32 with mean 0 and deviation 1."""

    epochs = 6

    def network(self):
        return Network()

    def optimizer(self, network):
        return torch.optim.Adam(network.parameters(), lr=0.002)

    def training_set(self, x, y, x_test, y_test):
        return x, y

    def batches(self, x, y):
        for chosen in torch.randperm(len(x)).split(64):
            yield x[chosen], y[chosen]

    def step(self, network, optimizer, x, y):
        network.train()
        loss = F.cross_entropy(network(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    def accuracy(self, network, x, y):
        network.eval()
        with torch.no_grad():
            answers = network(x).argmax(dim=1)
        return (answers == y).float().mean().item()

    def test_images(self, pixels, mean, std):
        return (pixels - mean) / std


class SmallRate(Healthy):
    def optimizer(self, network):
        return torch.optim.Adam(network.parameters(), lr=0.000002)


class OtherModel(Healthy):
    def optimizer(self, network):
        network = Network()  # started anew, as the first one had been trained already
        return torch.optim.Adam(network.parameters(), lr=0.002)


class DeadStart(Healthy):
    def network(self):
        network = Network()
        nn.init.constant_(network.fc1.bias, -20.0)
        return network


class ShuffledLabels(Healthy):
    def training_set(self, x, y, x_test, y_test):
        x = x[torch.randperm(len(x))]
        y = y[torch.randperm(len(y))]
        return x, y


class SoftmaxTwice(Healthy):
    def step(self, network, optimizer, x, y):
        network.train()
        p = F.softmax(network(x), dim=1)
        loss = F.cross_entropy(p, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()


class NoZeroGrad(Healthy):
    def step(self, network, optimizer, x, y):
        network.train()
        loss = F.cross_entropy(network(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()


class LargeRate(Healthy):
    def optimizer(self, network):
        return torch.optim.Adam(network.parameters(), lr=0.1)


class Sorted(Healthy):
    def batches(self, x, y):
        by_class = y.argsort(stable=True)
        for chosen in by_class.split(64):
            yield x[chosen], y[chosen]


class RawTest(Healthy):
    def test_images(self, pixels, mean, std):
        return pixels


class NoEval(Healthy):
    def accuracy(self, network, x, y):
        with torch.no_grad():
            answers = network(x).argmax(dim=1)
        return (answers == y).float().mean().item()


class AlwaysEval(Healthy):
    def step(self, network, optimizer, x, y):
        network.eval()
        loss = F.cross_entropy(network(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()


class Frozen(Healthy):
    def network(self):
        network = Network()
        for layer in (network.conv1, network.norm, network.conv2, network.fc1):
            layer.requires_grad_(False)
        return network


class WrongAxis(Healthy):
    def accuracy(self, network, x, y):
        network.eval()
        with torch.no_grad():
            answers = network(x).softmax(dim=0).argmax(dim=1)
        return (answers == y).float().mean().item()


class TestInTraining(Healthy):
    def training_set(self, x, y, x_test, y_test):
        return torch.cat([x, x_test]), torch.cat([y, y_test])
