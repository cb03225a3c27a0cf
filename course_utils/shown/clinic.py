"""The patients of lesson 17: trainings on the embedded digits, each with one silent fault.

``Healthy`` says how a network is made, fed, trained and measured. A patient is the same but for one
method, which ``lines`` shows; ``examine`` trains it, and writes down what an engineer can look at.
"""

import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import Adam, Optimizer

from course_utils.images import load_images
from course_utils.training import set_seed

Tensor = torch.Tensor
Pair = tuple[Tensor, Tensor]

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
    """A training without a fault. Images are float32 (N, 1, 28, 28), labels int64 (N,)."""

    epochs = 6

    def network(self) -> Network:
        return Network()

    def optimizer(self, network: Network) -> Optimizer:
        return Adam(network.parameters(), lr=0.002)

    def test_images(self, pixels: Tensor, mean: float, std: float) -> Tensor:
        return (pixels - mean) / std

    def training_set(self, train: Pair, test: Pair) -> Pair:
        return train

    def batches(self, x: Tensor, y: Tensor) -> Iterator[Pair]:
        for chosen in torch.randperm(len(x)).split(64):
            yield x[chosen], y[chosen]

    def step(self, network: Network, optimizer: Optimizer, x: Tensor, y: Tensor) -> float:
        network.train()
        loss = F.cross_entropy(network(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    def accuracy(self, network: Network, x: Tensor, y: Tensor) -> float:
        network.eval()
        with torch.no_grad():
            answers = network(x).argmax(dim=1)
        return (answers == y).float().mean().item()


class SmallRate(Healthy):
    """The learning rate is a thousand times too small."""

    def optimizer(self, network: Network) -> Optimizer:
        return Adam(network.parameters(), lr=0.000002)


class OtherNetwork(Healthy):
    """The optimiser holds the weights of another network."""

    def optimizer(self, network: Network) -> Optimizer:
        network = Network()  # to start anew
        return Adam(network.parameters(), lr=0.002)


class DeadStart(Healthy):
    """No unit of a hidden layer is ever above zero."""

    def network(self) -> Network:
        network = Network()
        nn.init.constant_(network.fc1.bias, -20.0)
        return network


class ShuffledLabels(Healthy):
    """Images and labels are shuffled in two different orders."""

    def training_set(self, train: Pair, test: Pair) -> Pair:
        x, y = train
        x = x[torch.randperm(len(x))]
        y = y[torch.randperm(len(y))]
        return x, y


class SoftmaxTwice(Healthy):
    """The loss, which takes logits, is given probabilities."""

    def step(self, network: Network, optimizer: Optimizer, x: Tensor, y: Tensor) -> float:
        network.train()
        p = F.softmax(network(x), dim=1)
        loss = F.cross_entropy(p, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()


class NoZeroGrad(Healthy):
    """The gradients of all steps so far are added up."""

    def step(self, network: Network, optimizer: Optimizer, x: Tensor, y: Tensor) -> float:
        network.train()
        loss = F.cross_entropy(network(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()


class LargeRate(Healthy):
    """The learning rate is fifty times too large."""

    def optimizer(self, network: Network) -> Optimizer:
        return Adam(network.parameters(), lr=0.1)


class Sorted(Healthy):
    """The images come class by class."""

    def batches(self, x: Tensor, y: Tensor) -> Iterator[Pair]:
        by_class = y.argsort(stable=True)
        for chosen in by_class.split(64):
            yield x[chosen], y[chosen]


class RawTest(Healthy):
    """The test images are not normalised."""

    def test_images(self, pixels: Tensor, mean: float, std: float) -> Tensor:
        return 255 * pixels


class NoEval(Healthy):
    """The network is measured in training mode."""

    def accuracy(self, network: Network, x: Tensor, y: Tensor) -> float:
        with torch.no_grad():
            answers = network(x).argmax(dim=1)
        return (answers == y).float().mean().item()


class AlwaysEval(Healthy):
    """The network is trained in evaluation mode."""

    def step(self, network: Network, optimizer: Optimizer, x: Tensor, y: Tensor) -> float:
        network.eval()
        loss = F.cross_entropy(network(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()


class Frozen(Healthy):
    """All layers but the last are frozen, at their random start."""

    def network(self) -> Network:
        network = Network()
        network.requires_grad_(False)
        network.fc2.requires_grad_(True)
        return network


class WrongAxis(Healthy):
    """Answers (N, 1) are compared with labels (N,): each with each."""

    def accuracy(self, network: Network, x: Tensor, y: Tensor) -> float:
        network.eval()
        with torch.no_grad():
            answers = network(x).argmax(dim=1, keepdim=True)
        return (answers == y).float().mean().item()


class TestInTraining(Healthy):
    """The test images are among the training images."""

    def training_set(self, train: Pair, test: Pair) -> Pair:
        x = torch.cat([train[0], test[0]])
        y = torch.cat([train[1], test[1]])
        return x, y


#: Which patient lies in which bed, so that a lesson need not tell its name.
PATIENTS: dict[str, type[Healthy]] = {
    "A1": OtherNetwork,
    "A2": ShuffledLabels,
    "A3": DeadStart,
    "A4": SmallRate,
    "B1": SoftmaxTwice,
    "B2": Sorted,
    "B3": NoZeroGrad,
    "B4": LargeRate,
    "C1": AlwaysEval,
    "C2": RawTest,
    "C3": Frozen,
    "C4": NoEval,
    "D1": WrongAxis,
    "D2": TestInTraining,
}


@dataclass
class Chart:
    """What is known of one training. Losses are means over a batch, accuracies 0 to 1.

    loss: of each step. gradients, ratios: for each step and layer the norm of the gradient of the
    weights, NaN where there is none, and the norm of their change divided by their own.
    train_accuracy, test_accuracy: after each epoch, as the training itself measures them.
    test_loss: after each epoch, measured without a fault, on the images as they are given.
    repeated: the test accuracy of the trained network, measured five times by the training itself.
    network: as it is at the end, in evaluation mode. batch: the first that it was given.
    train, test: the images and labels that it was trained on and measured with.
    """

    network: Network
    train: Pair
    test: Pair
    batch: Pair
    loss: list[float] = field(default_factory=list)
    gradients: list[list[float]] = field(default_factory=list)
    ratios: list[list[float]] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    test_accuracy: list[float] = field(default_factory=list)
    test_loss: list[float] = field(default_factory=list)
    repeated: list[float] = field(default_factory=list)


def examine(bed: str = "", seed: int = 0) -> Chart:
    """Train the patient of a bed, or a healthy one, and write down what can be looked at.

    Raises ValueError for a bed that the clinic does not have.
    """
    if bed and bed not in PATIENTS:
        raise ValueError(f"There is no bed {bed!r}; the beds are {', '.join(PATIENTS)}.")
    set_seed(seed)
    how, (train, test) = PATIENTS.get(bed, Healthy)(), load_images("digits")
    pixels = train.images / 255
    mean, std = pixels.mean().item(), pixels.std().item()
    measured = how.test_images(test.images / 255, mean, std), test.labels
    learned = how.training_set(((pixels - mean) / std, train.labels), measured)
    network = how.network()
    optimizer = how.optimizer(network)
    with torch.random.fork_rng(devices=[]):  # so that the training begins with this very batch
        batch = next(iter(how.batches(*learned)))
    chart = Chart(network, learned, measured, batch)
    for _ in range(how.epochs):
        for x, y in how.batches(*learned):
            before = [weight.detach().clone() for weight in weights(network)]
            chart.loss.append(how.step(network, optimizer, x, y))
            chart.gradients.append([_norm(weight.grad) for weight in weights(network)])
            moved = zip(weights(network), before, strict=True)
            chart.ratios.append([_norm(new - old) / _norm(old) for new, old in moved])
        chart.train_accuracy.append(how.accuracy(network, *learned))
        chart.test_accuracy.append(how.accuracy(network, *measured))
        chart.test_loss.append(_loss(network, *measured))
    chart.repeated = [how.accuracy(network, *measured) for _ in range(5)]
    network.eval()
    return chart


def weights(network: Network) -> list[Tensor]:
    """The weights of the four layers, in the order of ``LAYERS``."""
    return [layer.weight for layer in (network.conv1, network.conv2, network.fc1, network.fc2)]


def lines(bed: str) -> str:
    """What is wrong with the patient of a bed, and the method that does it, as it was run."""
    patient = PATIENTS[bed]
    (method,) = (value for value in vars(patient).values() if inspect.isfunction(value))
    return f"# {inspect.getdoc(patient)}\n{textwrap.dedent(inspect.getsource(method))}".rstrip()


def _loss(network: Network, x: Tensor, y: Tensor) -> float:
    mode = network.training
    network.eval()
    with torch.no_grad():
        loss = F.cross_entropy(network(x), y).item()
    network.train(mode)
    return loss


def _norm(values: Tensor | None) -> float:
    return float("nan") if values is None else values.detach().norm().item()
