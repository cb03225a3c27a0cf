"""The clock for other people's training loops, and the table that compares them with ours."""

import json
import subprocess
import sys

import clock
import nbformat
import peers
import pytest
import torch
from nbformat.v4 import new_code_cell, new_notebook
from torch.nn import functional as F

#: A training loop of another style than ours: a DataLoader, a criterion, no `no_grad`.
LOOP = """
%pip install a-package-that-is-nowhere
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from course_utils.images import load_images
train, test = load_images("digits")
def loader(data):
    return DataLoader(TensorDataset(data.images / 255, data.labels), batch_size=100)
"""
TRAIN = """
torch.manual_seed(0)
model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
optimizer, criterion = torch.optim.Adam(model.parameters(), lr=0.01), nn.CrossEntropyLoss()
for epoch in range(EPOCHS):
    for x, y in loader(train):
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()
    for x, y in loader(test):
        criterion(model(x), y)
"""


@pytest.fixture
def heard(monkeypatch, tmp_path):
    """A clock that wants 90%, and its notes so far. What it wraps is put back afterwards."""
    monkeypatch.setattr(F, "cross_entropy", F.cross_entropy)
    monkeypatch.setattr(F, "nll_loss", F.nll_loss)
    hooks = []
    register = clock.register_optimizer_step_pre_hook
    monkeypatch.setattr(
        clock, "register_optimizer_step_pre_hook", lambda hook: hooks.append(register(hook))
    )
    notes = tmp_path / "notes"
    notes.touch()
    yield (
        clock.watch(0.9, str(notes)),
        lambda: [json.loads(line) for line in notes.read_text().splitlines()],
    )
    for hook in hooks:
        hook.remove()


def answer(right: int, images: int) -> torch.Tensor:
    """The loss of so many images of class 0, of which so many are read correctly."""
    z = torch.zeros(images, 10, requires_grad=True)
    wrong = torch.arange(images) >= right
    return F.cross_entropy(z + F.one_hot(wrong.long(), 10), torch.zeros(images, dtype=torch.long))


def test_what_is_learned_from_is_not_measured(heard):
    watched, notes = heard
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    for _ in range(3):
        answer(500, 500)  # all right: before the first step, nothing has been trained
        optimizer.step()
    assert notes() == []
    answer(100, 200)
    answer(70, 200)
    answer(500, 500)  # the batch of the next step
    optimizer.step()
    (note,) = notes()
    assert (note["accuracy"], note["images"], note["steps"]) == (170 / 400, 400, 3)
    assert note["seconds"] > 0
    answer(200, 200)  # too few to be a measurement
    watched.finish()
    assert len(notes()) == 1


def test_the_accuracy_ends_the_run(heard):
    watched, notes = heard
    answer(0, 100)
    torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1).step()
    answer(359, 400)
    watched.finish()
    answer(360, 400)
    with pytest.raises(clock.Reached, match=r"90\.00%"):
        watched.finish()
    assert [note["accuracy"] for note in notes()] == [359 / 400, 0.9]


def test_losses_that_are_no_answers_are_passed_on(heard):
    _, notes = heard
    z, mixed = torch.randn(400, 10), torch.rand(400, 10).softmax(dim=1)
    assert F.cross_entropy(z, mixed, label_smoothing=0.1) > 0  # labels of two images
    assert F.cross_entropy(input=z, target=mixed) > 0
    assert notes() == []


@pytest.mark.slow
def test_notebooks_beside_ours(tmp_path):
    """One that reaches the accuracy, one that does not, one that fails, one without torch."""
    contents = {
        "reaches": [LOOP, TRAIN.replace("EPOCHS", "90")],
        "trains too little": [LOOP, TRAIN.replace("EPOCHS", "1")],
        "fails": ["import a_package_that_is_nowhere"],
        "trains otherwise": ["print('no torch')"],
    }
    paths = [tmp_path / f"{name}.ipynb" for name in contents]
    for path, cells in zip(paths, contents.values(), strict=True):
        nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in cells]), path)
    command = [sys.executable, peers.__file__, "--accuracy", "0.92", "--data", "digits"]
    done = subprocess.run(
        [*command, "--epochs", "10", *paths], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    _, _, own, reaches, too_little, fails, otherwise = done.stdout.splitlines()
    assert "lesson 09's recipe, digits" in own and "| 1.0 times |" in own
    assert "| reaches |" in reaches and " times |" in reaches and "not reached" not in reaches
    assert "not reached (ran to its end) | 15 |" in too_little
    assert "ModuleNotFoundError: No module named 'a_package_that_is_nowhere'" in fails
    assert "nothing measured that the clock can see" in otherwise


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--accuracy", "98"], "such as 0.9, not 98"),
        (["--accuracy", "0.9", "nowhere.ipynb"], "there is no notebook nowhere.ipynb"),
        (["--accuracy", "0.9", __file__], "is no notebook that nbformat can read"),
    ],
)
def test_what_is_asked_wrongly(monkeypatch, capsys, options, said):
    monkeypatch.setattr(sys, "argv", ["peers.py", *options])
    with pytest.raises(SystemExit):
        peers.main()
    assert said in capsys.readouterr().err
