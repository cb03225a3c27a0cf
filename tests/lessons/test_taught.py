"""What lessons teach and then import is the same thing, bit for bit."""

import ast
import inspect
import re

import pytest
import torch
from documents import WRITTEN, code_cells, tagged, taught
from torch import nn

from course_utils import models
from course_utils.images import batches, flip_and_shift, load_images
from course_utils.lessons import LESSONS
from course_utils.records.runs import NETWORKS, MixUp
from course_utils.shown import photos
from course_utils.training import evaluate, fit, set_seed


def weights(model: nn.Module) -> torch.Tensor:
    return nn.utils.parameters_to_vector(model.parameters())


def sgd(model, steps):
    return torch.optim.SGD(model.parameters(), lr=0.01), None


def adam_one_cycle(model, steps):
    return taught(9)["adam_one_cycle"](model, steps)


@pytest.mark.parametrize("optimisers", [sgd, adam_one_cycle])
def test_fit_is_the_loop_of_lesson_08(optimisers):
    """Over two epochs of 10 steps, with a last batch that is shorter than the others."""
    train, _ = load_images("digits")
    train, loop = train[:150], taught(8)["train_epoch"]
    set_seed(0)
    by_hand = models.MLP(1024, 30, 10)
    optimizer, schedule = optimisers(by_hand, steps=20)
    losses = []
    for _ in range(2):
        losses += loop(by_hand, batches(train, 16, shuffle=True), optimizer, schedule)

    set_seed(0)
    fitted = models.MLP(1024, 30, 10)
    optimizer, schedule = optimisers(fitted, steps=20)
    history = fit(fitted, train, epochs=2, optimizer=optimizer, schedule=schedule, size=16)

    assert len(losses) == 20 and history.loss == losses
    assert torch.equal(weights(by_hand), weights(fitted))
    assert not torch.equal(weights(fitted), weights(models.MLP(1024, 30, 10)))


def test_evaluate_is_the_measure_of_lesson_08():
    train, _ = load_images("digits")
    model = models.MLP(1024, 30, 10)
    assert taught(8)["accuracy"](model, train) == evaluate(model, train)[1]


@pytest.mark.parametrize(
    ("number", "name", "sizes", "options", "side"),
    [
        (8, "MLP", (1024, 9, 7, 10), {}, 32),
        (9, "LeNet", (), {}, 32),
        (11, "CNN", (), {}, 28),
        (13, "SmallAlexNet", (), {}, 32),
        (13, "SmallAlexNet", (), {"activation": "tanh", "normalise": True}, 32),
        (13, "SmallAlexNet", (), {"dropout": 0.5, "overlapping": True, "groups": 2}, 32),
    ],
)
def test_models_are_those_of_the_lessons(number, name, sizes, options, side):
    set_seed(0)
    ours = NETWORKS[name](*sizes, **options)
    set_seed(0)
    theirs = taught(number)[name](*sizes, **options)
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    x = torch.randn(5, 1, side, side)
    answers = []
    for model in (ours, theirs):
        set_seed(1)  # dropout draws
        answers.append(model(x))
    assert torch.equal(*answers)


@pytest.mark.parametrize("shape", [(64, 1, 32, 32), (5, 3, 7, 9), (1, 1, 28, 28)])
def test_flip_and_shift_is_that_of_lesson_12(shape):
    x, results = torch.randn(*shape), []
    for function in (flip_and_shift, taught(12)["flip_and_shift"]):
        set_seed(0)
        results.append((function(x), torch.rand(1)))  # as many random numbers drawn
    assert all(torch.equal(*pair) for pair in zip(*results, strict=True))


def test_mixup_is_that_of_lesson_12():
    x, z, y = torch.randn(9, 1, 5, 5), torch.randn(9, 10), torch.arange(9)
    results = []
    for kind in (MixUp, taught(12)["MixUp"]):
        set_seed(0)
        mixup = kind(alpha=0.2)
        results.append((mixup.mix(x), mixup.loss(z, y), torch.rand(1)))
    assert all(torch.equal(*pair) for pair in zip(*results, strict=True))
    assert not torch.equal(results[0][0], x)


@pytest.mark.parametrize("block", ["Plain", "Residual"])
@pytest.mark.parametrize("blocks_a_stage", [1, 3])
def test_the_networks_of_records_are_those_of_lesson_14(block, blocks_a_stage):
    theirs = taught(14)
    for cell in code_cells(LESSONS[14]):
        if cell.id in ("plain", "network", "residual"):
            exec(cell.source, theirs)
    set_seed(0)
    ours = NETWORKS[block](blocks_a_stage)
    set_seed(0)
    lesson = theirs["network"](theirs[block], blocks_a_stage)
    x = torch.rand(5, 1, 28, 28)
    assert torch.equal(weights(ours), weights(lesson)) and torch.equal(ours(x), lesson(x))


PHOTOS = inspect.getsource(photos)


def body(function: ast.FunctionDef) -> str:
    """A function's arguments and statements, without annotations and docstring."""
    for argument in function.args.args:
        argument.annotation = None
    function.returns = None
    if ast.get_docstring(function) is not None:
        del function.body[0]
    return ast.unparse(function)


def functions(source: str) -> dict[str, str]:
    found = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return {function.name: body(function) for function in found}


def test_photos_are_read_by_the_steps_of_lesson_11():
    """Word for word, but for the check of what `find_digits` is given."""
    lesson = "\n".join(cell.source for cell in tagged(LESSONS[11], "taught"))
    taught_here = functions(lesson.replace("photos.PhotoError", "PhotoError"))
    module = functions(PHOTOS)
    find_digits = taught_here.pop("find_digits")
    assert len(taught_here) == 14
    assert taught_here == {name: module[name] for name in taught_here}
    assert find_digits.partition("\n")[2] in module["find_digits"]


def test_everything_taught_is_found_here():
    """A lesson that teaches something new to import needs a test above."""
    names = {
        name
        for lesson in WRITTEN
        for cell in tagged(lesson, "taught")
        for name in re.findall(r"^(?:def|class) (\w+)", cell.source, re.MULTILINE)
    }
    loops = {"train_epoch", "accuracy", "adam_one_cycle", "flip_and_shift"}
    steps = functions(PHOTOS).keys() & names
    networks = {"MLP", "LeNet", "CNN", "SmallAlexNet", "start_weights"}
    assert names == loops | steps | networks | {"MixUp"}
