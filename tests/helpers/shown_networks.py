"""Networks of all kinds of layers, for the tests of what shows or runs a network."""

from collections import OrderedDict

import numpy as np
import torch
from torch import nn

from course_utils import models, training, views


def with_norm():
    """Layers of all kinds, and with all their options."""
    return nn.Sequential(
        OrderedDict(
            first=nn.Sequential(nn.Conv2d(1, 5, 3, padding=1, bias=False), nn.BatchNorm2d(5)),
            relu=nn.ReLU(inplace=True),
            average=nn.AvgPool2d(2, stride=2),
            second=nn.Conv2d(5, 7, (3, 5), stride=(2, 1), padding="valid"),
            norm=nn.BatchNorm2d(7, affine=False),
            nothing=nn.Identity(),
            again=nn.ReLU(),
            average_2=nn.AvgPool2d(3, stride=2, padding=1),
            flat=nn.Flatten(),
            drop=nn.Dropout(0.5),
            last=nn.LazyLinear(10),
        )
    )


def broken_lenet():
    """LeNet with fully connected layers for images of 28 × 28."""
    model = models.LeNet()
    model.classifier[1] = nn.Linear(256, 120)
    return model


def xor_stepper():
    """As in lesson 04."""
    rng = np.random.default_rng(0)
    start = [rng.uniform(-1, 1, shape) for shape in [(2, 4), (1, 4), (4, 1), (1, 1)]]
    return views.BackpropStepper([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]], *start)


def made(name, lenet):
    training.set_seed(0)
    if name == "LeNet":
        return lenet[0]
    if name == "CNN":
        return models.CNN().eval()
    if name == "MLP":
        return models.MLP(1024, 300, 10).eval()
    model = with_norm()
    model(torch.rand(4, 1, 28, 28))
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_()
            layer.running_var.uniform_(0.2, 3)
            if layer.affine:
                layer.weight.data.normal_()
                layer.bias.data.normal_()
    return model.eval()
