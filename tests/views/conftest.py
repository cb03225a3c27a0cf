"""What several tests of the views begin with."""

import json

import pytest
import torch

from course_utils import models
from course_utils.sources import DATA


@pytest.fixture(scope="module")
def lenet():
    """The LeNet that ships, and how its images are scaled."""
    recipe = json.loads((DATA / "weights" / "lenet-mnist.json").read_text(encoding="utf-8"))
    model = models.LeNet()
    model.load_state_dict(torch.load(DATA / "weights" / "lenet-mnist.pt", weights_only=True))
    return model.eval(), recipe["inputs"]
