"""Training: the loop and its ends, devices, models, and the keeping of weights."""

import hashlib
import io
import itertools
import json
import math
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from documents import taught
from torch import nn
from torch.nn import functional as F

from course_utils import checkpoints
from course_utils.checkpoints import (
    CheckpointError,
    find_pretrained,
    load_weights,
    save_weights,
)
from course_utils.images import Images, batches, load_images, sample_digit
from course_utils.internals import endings, progress
from course_utils.models import CNN, MLP, LeNet
from course_utils.records import load_record
from course_utils.records.runs import RECIPES, run, sample
from course_utils.training import evaluate, fit, pick_device, set_seed


@pytest.fixture(scope="module")
def digits():
    return load_images("digits")


@pytest.fixture
def data(digits):
    """Some of the digits, which a test may change: they are copies."""
    train, test = digits
    return train[list(range(200))], test[list(range(100))]


def small_model(seed: int = 0) -> MLP:
    set_seed(seed)
    return MLP(1024, 20, 10)


def sgd(model: nn.Module, rate: float = 0.1) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=rate)


# The loop


def test_fit_learns_and_keeps_a_history(data):
    train, test = data
    model = small_model()
    history = fit(model, train, test, epochs=3, optimizer=sgd(model), size=64)
    assert len(history.loss) == 3 * math.ceil(200 / 64)
    for values in (history.train_loss, history.train_accuracy, history.test_loss):
        assert len(values) == 3
    assert history.loss[-1] < history.loss[0]
    assert history.test_accuracy[-1] == evaluate(model, test)[1]
    assert history.seconds > 0 and not history.interrupted and not history.diverged


def test_means_count_every_image_once(data):
    """The last batch is shorter than the others, and weighs less."""
    train, _ = data
    model = small_model()
    history = fit(model, train, epochs=1, optimizer=sgd(model, rate=0.0), size=150)
    loss, accuracy = evaluate(model, train, size=130)
    assert history.train_loss[0] == pytest.approx(loss, rel=1e-5)
    assert history.train_accuracy[0] == pytest.approx(accuracy)
    assert history.test_loss == []
    x, y = next(batches(train, len(train)))
    assert loss == pytest.approx(F.cross_entropy(model(x), y).item(), rel=1e-5)


def test_the_same_seed_gives_the_same_weights(data):
    twice = []
    for _ in range(2):
        model = small_model(seed=3)
        fit(model, data[0], epochs=2, optimizer=sgd(model), size=64)
        twice.append(nn.utils.parameters_to_vector(model.parameters()))
    assert torch.equal(*twice)


def test_measuring_changes_nothing(data):
    """Not the mode, not the weights, not the statistics of batch normalisation."""
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(1024), nn.Dropout(), nn.Linear(1024, 10))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    assert evaluate(model, data[1]) == evaluate(model, data[1])
    assert model.training
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_each_epoch_trains_in_training_mode(data):
    seen = []

    class Spy(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(1024, 10)

        def forward(self, x):
            seen.append(self.training)
            return self.linear(x.flatten(1))

    model = Spy().eval()
    fit(model, *data, epochs=2, optimizer=sgd(model), size=100)
    assert seen == [True, True, False] * 2


def test_a_schedule_steps_once_a_batch(data):
    model = small_model()
    optimizer = sgd(model)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    fit(model, data[0], epochs=2, optimizer=optimizer, schedule=schedule, size=100)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1 * 0.5**4)


def test_after_epoch_sees_the_history_so_far(data):
    model, seen = small_model(), []
    fit(
        model,
        *data,
        epochs=3,
        optimizer=sgd(model),
        after_epoch=lambda m, history: seen.append((m is model, len(history.test_accuracy))),
    )
    assert seen == [(True, 1), (True, 2), (True, 3)]


def test_inputs_are_scaled_as_asked(data):
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    history = fit(model, *data, epochs=1, optimizer=sgd(model), pad=0, mean=0.1, std=0.3)
    assert history.test_accuracy == [evaluate(model, data[1], pad=0, mean=0.1, std=0.3)[1]]


@pytest.mark.parametrize("given", [{"epochs": 0}, {"epochs": -1}, {"epochs": 1, "size": 0}])
def test_no_training_at_all_is_refused(data, given):
    model = small_model()
    with pytest.raises(ValueError, match="at least 1"):
        fit(model, data[0], optimizer=sgd(model), **given)


def test_a_model_without_parameters_can_be_measured(data):
    class Constant(nn.Module):
        def forward(self, x):
            return F.one_hot(torch.full((len(x),), 3), 10).float()

    threes = (data[1].labels == 3).float().mean().item()
    assert evaluate(Constant(), data[1])[1] == pytest.approx(threes)


# Its ends


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_before_it_harms(data, capsys, bad):
    model, weights = small_model(), []

    def spoiled(y_hat, y):
        weights.append(nn.utils.parameters_to_vector(model.parameters()).detach().clone())
        return F.cross_entropy(y_hat, y) * (bad if len(weights) == 5 else 1)

    history = fit(model, data[0], epochs=3, optimizer=sgd(model), size=64, loss=spoiled)
    assert history.diverged and len(history.loss) == 5 and not math.isfinite(history.loss[-1])
    assert len(history.train_loss) == 1
    assert torch.equal(weights[-1], nn.utils.parameters_to_vector(model.parameters()))
    said = capsys.readouterr().out
    assert "Stopped at step 5, in epoch 2" in said and "ten times smaller (it is 0.1 now)" in said


def test_a_rate_far_too_high_is_told(data, capsys):
    model = small_model()
    history = fit(model, data[0], epochs=50, optimizer=sgd(model, rate=1e18), size=64)
    assert history.diverged and "learning rate" in capsys.readouterr().out


@pytest.mark.parametrize("step", [1, 6])
def test_an_interrupt_keeps_the_history(data, capsys, step):
    model, calls = small_model(), []

    def interrupted(y_hat, y):
        calls.append(1)
        if len(calls) == step:
            raise KeyboardInterrupt
        return F.cross_entropy(y_hat, y)

    history = fit(model, data[0], epochs=3, optimizer=sgd(model), size=64, loss=interrupted)
    assert history.interrupted and len(history.loss) == step - 1
    assert len(history.train_loss) == (step - 1) // 4
    assert f"Interrupted after {step - 1} steps" in capsys.readouterr().out


def test_an_interrupt_while_measuring_leaves_the_model_training(data):
    model = small_model()

    def interrupted(y_hat, y):
        if not model.training:
            raise KeyboardInterrupt
        return F.cross_entropy(y_hat, y)

    history = fit(model, *data, epochs=3, optimizer=sgd(model), size=64, loss=interrupted)
    assert history.interrupted and model.training
    assert history.train_loss == history.test_loss == []


def test_the_progress_bar_counts_every_step(data, monkeypatch):
    bars = []

    class Bar(progress.tqdm):
        def __init__(self, *args, **options):
            super().__init__(*args, **(options | {"disable": False}))
            bars.append(self)

    monkeypatch.setattr(progress, "tqdm", Bar)
    model = small_model()
    fit(model, data[0], epochs=2, optimizer=sgd(model), size=64)
    (bar,) = bars
    assert bar.n == bar.total == 8 and not bar.leave and bar.desc == "epoch 2 of 2: "


def test_a_gpu_without_memory_left_is_told(data, capsys):
    model, calls = small_model(), []

    def greedy(y_hat, y):
        calls.append(1)
        if len(calls) == 6:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return F.cross_entropy(y_hat, y)

    history = fit(model, data[0], epochs=3, optimizer=sgd(model), size=64, loss=greedy)
    assert history.interrupted and len(history.loss) == 5 and len(history.train_loss) == 1
    said = capsys.readouterr().out
    assert "no memory left for batches of 64 images. Try size=32" in said
    assert "COURSE_DEVICE=cpu" in said


@pytest.mark.parametrize("give", [torch.empty, np.empty])
def test_a_computer_without_memory_left_is_told(data, capsys, give):
    """What the allocators of torch and of NumPy really raise."""
    model, calls = small_model(), []

    def greedy(x):
        calls.append(1)
        if len(calls) == 6:
            give(10**15)
        return x

    history = fit(model, data[0], epochs=3, optimizer=sgd(model), size=64, augment=greedy)
    assert history.interrupted and len(history.loss) == 5 and len(history.train_loss) == 1
    said = capsys.readouterr().out
    assert "this computer has no memory left for batches of 64 images. Try size=32" in said
    assert "GPU" not in said and "COURSE_DEVICE" not in said


def test_another_error_of_torch_is_not_swallowed(data):
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        fit(model, data[0], epochs=1, optimizer=sgd(model))


@pytest.mark.parametrize("measured", [True, False])
def test_a_last_step_that_diverges_is_told(data, capsys, measured):
    """No loss of a step is left to tell it, and every weight is still a finite number."""
    train, test = data
    model = small_model()
    optimizer = sgd(model, rate=1e30)
    history = fit(model, train, test if measured else None, epochs=1, optimizer=optimizer, size=200)
    assert all(weight.isfinite().all() for weight in model.parameters())
    assert history.diverged and not history.interrupted and model.training
    assert len(history.loss) == len(history.train_loss) == 1 and math.isfinite(history.loss[0])
    assert "the loss after it is nan" in capsys.readouterr().out


def test_a_schedule_that_is_over_keeps_the_history(data, capsys):
    model = small_model()
    optimizer = sgd(model)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=5)
    options = {"epochs": 2, "optimizer": optimizer, "schedule": schedule, "size": 64}
    history = fit(model, data[0], **options)
    assert history.interrupted and len(history.loss) == 6 and len(history.train_loss) == 1
    said = capsys.readouterr().out
    assert "Stopped after 6 steps" in said and "the schedule is over: make one of 8 steps" in said
    assert len(fit(model, data[0], **options).loss) == 1  # used up by the training before


@pytest.mark.parametrize("label", [10, -1, -100])  # torch passes over -100 in silence
def test_labels_changed_in_place_are_told(data, capsys, label):
    model, train = small_model(), data[0][torch.arange(200)]

    def change(model, history):
        train.labels[7] = label

    options = {"optimizer": sgd(model), "size": 64}
    history = fit(model, train, epochs=3, after_epoch=change, **options)
    assert history.interrupted and len(history.loss) == 4 and len(history.train_loss) == 1
    said = capsys.readouterr().out
    assert "Stopped after 4 steps, in epoch 2 of 3: the labels have been changed" in said
    assert "load the images again" in said and str(label) in said
    with pytest.raises(ValueError, match=f"the labels have been changed.*{label}"):
        fit(model, train, epochs=1, **options)
    with pytest.raises(ValueError, match=str(label)):
        fit(model, data[1], train, epochs=1, **options)


def test_labels_changed_within_an_epoch_are_told_at_the_next(data, capsys):
    model, train = small_model(), data[0][torch.arange(200)]

    def change(x):
        train.labels[:] = 10
        return x

    history = fit(model, train, epochs=2, optimizer=sgd(model), size=64, augment=change)
    assert history.interrupted and len(history.loss) == 4 and len(history.train_loss) == 1


def test_labels_taken_away_are_told(data, capsys):
    model, train = small_model(), data[0][torch.arange(200)]

    def change(model, history):
        train.labels.resize_(0)

    fit(model, train, epochs=2, optimizer=sgd(model), size=64, after_epoch=change)
    assert "the labels have been changed: load the images again" in capsys.readouterr().out


def test_an_interrupt_while_counts_are_read_leaves_no_half_of_an_epoch(data, capsys, monkeypatch):
    """On a GPU that is where the last step is waited for."""

    def interrupted(count):
        raise KeyboardInterrupt

    model = small_model()
    with monkeypatch.context() as patched:
        patched.setattr(torch.Tensor, "__int__", interrupted)
        history = fit(model, data[0], epochs=2, optimizer=sgd(model), size=64)
    assert history.interrupted and (history.train_loss, history.train_accuracy) == ([], [])
    assert history.seconds == 0


def test_an_optimizer_of_another_network_is_told(data, capsys):
    """The commonest cause of an accuracy that stays at 10%: the network was built anew."""
    model, earlier = small_model(), small_model()
    before = nn.utils.parameters_to_vector(model.parameters()).clone()
    history = fit(model, data[0], epochs=1, optimizer=sgd(earlier))
    assert torch.equal(before, nn.utils.parameters_to_vector(model.parameters()))
    assert len(history.loss) == 2 and not history.interrupted
    said = capsys.readouterr().out
    assert "none of this network's weights" in said and "from model.parameters()" in said


def test_an_optimizer_of_some_layers_is_told(data, capsys):
    model = small_model()
    fit(model, data[0], epochs=1, optimizer=sgd(model.layers[1]))
    said = capsys.readouterr().out
    assert "holds 2 of the 4 tensors" in said and "layers.3.weight, layers.3.bias" in said
    model.layers[3].requires_grad_(False)  # now it is meant
    fit(model, data[0], epochs=1, optimizer=sgd(model.layers[1]))
    fit(small := small_model(), data[0], epochs=1, optimizer=sgd(small))
    assert capsys.readouterr().out == ""


@pytest.fixture
def interrupts():
    """Interrupts as a kernel has them while a cell runs."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler


def test_a_second_interrupt_does_not_lose_the_history(data, capsys, monkeypatch, interrupts):
    """It comes while the sentence about the first one is written, and while the bar is closed."""

    class Impatient(progress.tqdm):
        def close(self):
            if len(calls) == 6:
                calls.append("closed")
                signal.raise_signal(signal.SIGINT)
            super().close()

    def interrupted(x):
        calls.append(1)
        if len(calls) == 6:
            signal.raise_signal(signal.SIGINT)
        return x

    def write(text, write=sys.stdout.write):
        if "Interrupted" in text:
            signal.raise_signal(signal.SIGINT)
        return write(text)

    monkeypatch.setattr(endings.time, "monotonic", lambda: 0.0)  # all within the same second
    monkeypatch.setattr(progress, "tqdm", Impatient)
    monkeypatch.setattr(sys.stdout, "write", write)
    model, calls = small_model(), []
    try:
        history = fit(model, data[0], epochs=3, optimizer=sgd(model), size=64, augment=interrupted)
    except KeyboardInterrupt:
        pytest.fail("the history is lost")
    assert history.interrupted and len(history.loss) == 5 and calls[-1] == "closed"
    assert "Interrupted after 5 steps" in capsys.readouterr().out
    with pytest.raises(KeyboardInterrupt):  # and afterwards they count again
        signal.raise_signal(signal.SIGINT)


def test_an_interrupt_that_was_swallowed_can_be_repeated(data, monkeypatch, interrupts):
    """As in a callback that catches everything; a second later the next one counts."""
    model, calls = small_model(), []
    monkeypatch.setattr(endings.time, "monotonic", lambda: 0.4 * len(calls))

    def swallowing(x):
        calls.append(1)
        if len(calls) >= 2:
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                if len(calls) > 2:
                    raise
        return x

    history = fit(model, data[0], epochs=3, optimizer=sgd(model), size=64, augment=swallowing)
    assert history.interrupted and len(history.loss) == 4  # 0.4 s and 0.8 s were too soon


def interrupted_at(number: int):
    """An augmentation that changes nothing, and is interrupted in this call of it."""
    calls = itertools.count(1)

    def unchanged(x):
        if next(calls) == number:
            raise KeyboardInterrupt
        return x

    return unchanged


def test_the_history_says_why_it_is_not_whole(data, capsys):
    """So that a lesson can say it once: assert not history.stopped, history.stopped."""
    model = small_model()
    assert fit(model, data[0], epochs=1, optimizer=sgd(model)).stopped == ""
    for rate in (0.1, 1e18):
        model = small_model()
        history = fit(
            model, data[0], epochs=9, optimizer=sgd(model, rate), size=64, augment=interrupted_at(6)
        )
        assert history.stopped and history.stopped + "\n" == capsys.readouterr().out


def test_only_training_images_are_augmented(data):
    seen = []

    def spy(x):
        assert model.training and x.shape[1:] == (1, 32, 32)
        seen.append(len(x))
        return torch.zeros_like(x)

    model = small_model()
    history = fit(model, *data, epochs=1, optimizer=sgd(model), size=64, augment=spy)
    assert seen == [64, 64, 64, 8]
    assert history.train_loss[0] == pytest.approx(math.log(10), abs=0.3)  # it saw nothing


def test_devices(monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "cpu")
    assert pick_device() == torch.device("cpu")
    monkeypatch.delenv("COURSE_DEVICE")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert pick_device() == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device() == torch.device("cuda")


# Models


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        (MLP(1024, 300, 10), 310_510),
        (MLP(784, 64, 64, 64, 10), 59_210),
        (LeNet(), 61_706),
        (CNN(), 421_642),
    ],
)
def test_parameters(model, parameters):
    assert sum(p.numel() for p in model.parameters()) == parameters


def test_logits_may_be_negative():
    for model in (MLP(1024, 300, 10), LeNet()):
        set_seed(0)
        logits = model(torch.randn(50, 1, 32, 32))
        assert logits.shape == (50, 10) and logits.min() < 0 < logits.max()


# Weights


@pytest.fixture
def runs(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path / "runs"


RECIPE = {"data": "digits", "inputs": {"pad": 2, "mean": 0.5, "std": 1.0}, "seed": 0}


def test_weights_come_back_as_they_were(runs, capsys):
    model = MLP(1024, 30, 10)
    assert save_weights(model, "mine", RECIPE) == runs / "mine.pt"
    again, recipe = load_weights("mine", data="digits")
    assert all(
        torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True)
    )
    assert not again.training
    assert recipe["inputs"] == RECIPE["inputs"] and recipe["architecture"] == "MLP"
    assert recipe["arguments"] == [1024, 30, 10] and "torch" in recipe["versions"]
    assert "your own weights, trained on digits" in capsys.readouterr().out
    assert sorted(path.name for path in runs.iterdir()) == ["mine.json", "mine.pt"]


def test_own_weights_are_taken_only_for_their_data(runs, capsys):
    save_weights(LeNet(), "lenet", RECIPE)
    _, recipe = load_weights("lenet", data="digits")
    assert recipe["data"] == "digits"
    _, recipe = load_weights("lenet", data="mnist")
    assert recipe["data"] == "mnist"
    assert "the course's weights, trained on mnist: lenet-mnist.pt" in capsys.readouterr().out


@pytest.mark.parametrize("crash_at", [1, 2, 3, 4])
def test_a_crash_while_saving_leaves_the_old_or_the_new(runs, monkeypatch, crash_at):
    """At any of the two writings and two renamings."""
    old, new = LeNet(), LeNet()
    save_weights(old, "lenet", RECIPE)
    calls = []

    def crashing(call):
        def crash(*args, **options):
            calls.append(call)
            if len(calls) == crash_at:
                raise OSError(28, "No space left on device")
            return call(*args, **options)

        return crash

    with monkeypatch.context() as patch:
        for name in ("write_bytes", "write_text", "replace"):
            patch.setattr(checkpoints.Path, name, crashing(getattr(checkpoints.Path, name)))
        with pytest.raises(OSError, match="No space"):
            save_weights(new, "lenet", RECIPE)
    # write_text opens the file itself, so these are: weights, recipe, and the two renamings
    expected = new if crash_at == 4 else old
    again, _ = load_weights("lenet", data="digits")
    assert torch.equal(again.features[0].weight, expected.features[0].weight)


@pytest.mark.parametrize("lacking", ["data", "inputs"])
def test_a_recipe_that_tells_too_little_is_refused(runs, lacking):
    with pytest.raises(ValueError, match=lacking):
        save_weights(LeNet(), "lenet", {k: v for k, v in RECIPE.items() if k != lacking})
    assert not runs.exists()


class Bomb:
    def __reduce__(self):
        return (open, ("exploded", "w"))


def forge(path, content: bytes, **changes) -> None:
    """Replace stored weights by other contents, with a recipe that vouches for them."""
    path.write_bytes(content)
    recipe = json.loads(path.with_suffix(".json").read_text()) | changes
    recipe["sha256"] = checkpoints.checksum(content, recipe)
    path.with_suffix(".json").write_text(json.dumps(recipe))


def saved(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def test_a_pickle_that_would_run_code_is_not_run(runs, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    path = save_weights(LeNet(), "lenet", RECIPE)
    torch.save({"features.0.weight": Bomb()}, path)
    for content in (path.read_bytes(), pickle.dumps(Bomb(), protocol=2)):
        forge(path, content)
        with pytest.raises(CheckpointError, match="nothing in it was run"):
            load_weights("lenet", data="digits")
    assert not (tmp_path / "exploded").exists()


def test_weights_that_cannot_be_used_are_named(runs):
    path = save_weights(LeNet(), "lenet", RECIPE)
    whole, recipe = path.read_bytes(), path.with_suffix(".json").read_text()

    def refused(words: str) -> None:
        with pytest.raises(CheckpointError, match=words) as error:
            load_weights("lenet", data="digits")
        assert "lenet" in str(error.value) and "Train and save it again" in str(error.value)
        path.write_bytes(whole)
        path.with_suffix(".json").write_text(recipe)

    path.write_bytes(whole[: len(whole) // 2])
    refused("damaged")
    forge(path, whole[: len(whole) // 2])
    refused("does not fit LeNet")
    forge(path, whole, architecture="MLP", arguments=[1024, 10])
    refused("does not fit MLP")
    forge(path, whole, architecture="os.system")
    refused("'os.system'; the course has MLP, LeNet")
    forge(path, whole, architecture=[])
    refused("the course has MLP, LeNet")
    forge(path, whole, arguments=[1, 2])
    refused("does not fit LeNet")
    forge(path, whole, architecture="MLP", arguments=[10**6, 10**6])  # 4 TB of weights
    refused("does not fit MLP")
    path.with_suffix(".json").write_text("{")
    refused("cannot be read")
    path.with_suffix(".json").write_text("[]")
    refused("cannot be read")
    path.with_suffix(".json").unlink()
    refused("damaged or missing")
    assert load_weights("lenet", data="digits")


def test_a_flipped_bit_in_a_recipe_is_found(runs):
    """In any of its bytes: another scaling would make the network read other images."""
    path = save_weights(MLP(4, 2), "small", RECIPE)
    recipe = path.with_suffix(".json")
    whole = recipe.read_bytes()
    for at in range(len(whole)):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << at % 8
        recipe.write_bytes(flipped)
        try:
            read = load_weights("small", data="digits")[1]
        except CheckpointError:
            continue
        assert read == json.loads(whole)  # a line end has become another white space


def test_a_recipe_of_an_earlier_version_is_told(runs):
    path = save_weights(LeNet(), "lenet", RECIPE)
    recipe = json.loads(path.with_suffix(".json").read_text())
    recipe["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".json").write_text(json.dumps(recipe))
    with pytest.raises(CheckpointError, match=r"(?s)earlier version.*Train and save it again"):
        load_weights("lenet", data="digits")


def damaged_lenet(change) -> LeNet:
    model = LeNet()
    with torch.no_grad():
        model.classifier[-1].bias[3] = math.nan
    return model if change is None else change(LeNet())


@pytest.mark.parametrize("change", [None, nn.Module.double, nn.Module.half])
def test_weights_are_finite_and_float(runs, change):
    model, fault = damaged_lenet(change), "finite numbers of type float32"
    with pytest.raises(ValueError, match=fault):
        save_weights(model, "lenet", RECIPE)
    assert not runs.exists()
    forge(save_weights(LeNet(), "lenet", RECIPE), saved(model.state_dict()))
    with pytest.raises(CheckpointError, match=fault):
        load_weights("lenet", data="digits")


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"pad": 2, "mean": "0.5", "std": 1.0}, "of the inputs, mean has .*; got '0.5'"),
        ({"pad": 2, "mean": math.nan, "std": 1.0}, "mean has to be a finite number; got nan"),
        ({"pad": 2, "mean": True, "std": 1.0}, "mean has to be a finite number; got True"),
        ({"pad": 2, "mean": 0.5, "std": 0}, "std has to be a finite number above 0; got 0"),
        ({"pad": 2, "mean": 0.5, "std": math.inf}, "std has to be .* above 0; got inf"),
        ({"pad": 2, "mean": 10**400, "std": 1.0}, "mean has to be a finite number; got"),
        ({"pad": 2.0, "mean": 0.5, "std": 1.0}, "pad has to be a whole number from 0 to 100"),
        ({"pad": 10**9, "mean": 0.5, "std": 1.0}, "pad has to be a whole number from 0 to 100"),
        ({"pad": 2, "size": 1}, "have to be numbers, named pad, mean and std; got {'pad': 2"),
        ({"mean": [0.5] * 1000}, "mean has to be a finite number"),
        ([2, 0.5, 1.0], "have to be numbers, named pad, mean and std"),
        (None, "have to be numbers, named pad, mean and std; got None"),
    ],
)
def test_inputs_are_numbers(runs, inputs, sentence):
    with pytest.raises(ValueError, match=sentence):
        save_weights(LeNet(), "lenet", {**RECIPE, "inputs": inputs})
    assert not runs.exists()
    path = save_weights(LeNet(), "lenet", RECIPE)
    forge(path, path.read_bytes(), inputs=inputs)
    with pytest.raises(CheckpointError, match=sentence) as error:
        load_weights("lenet", data="digits")
    assert len(str(error.value)) < 500


def test_some_inputs_may_be_left_to_batches(runs):
    save_weights(LeNet(), "lenet", {**RECIPE, "inputs": {"mean": np.float64(0), "std": 1}})
    assert load_weights("lenet", data="digits")[1]["inputs"] == {"mean": 0.0, "std": 1}


def bias_and_recipe() -> tuple[float, int]:
    model, recipe = load_weights("small", data="digits")
    return model.layers[1].bias[0].item(), recipe["saver"]


def save_as(saver: int) -> None:
    model = MLP(4, 2)
    nn.init.constant_(model.layers[1].bias, saver)
    save_weights(model, "small", {**RECIPE, "saver": saver})


def test_a_second_saver_between_the_two_renamings(runs, monkeypatch):
    """Its whole pair comes in between the first one's weights and recipe."""
    replace_file, seen = checkpoints.Path.replace, []

    def interleaved(path, target):
        replace_file(path, target)
        seen.append(target)
        if len(seen) == 1:
            save_as(2)

    monkeypatch.setattr(checkpoints.Path, "replace", interleaved)
    save_as(1)
    assert bias_and_recipe() == (1, 1)
    assert sorted(path.name for path in runs.iterdir()) == ["small.json", "small.pt"]


def test_of_many_savers_at_once_one_wins(runs):
    with ThreadPoolExecutor(8) as savers:
        list(savers.map(save_as, range(100)))  # raises what one of them raised
    bias, saver = bias_and_recipe()
    assert bias == saver
    assert sorted(path.name for path in runs.iterdir()) == ["small.json", "small.pt"]


def test_what_a_crashed_saver_left_is_removed_after_an_hour(runs):
    runs.mkdir()
    old, new = runs / "small.pt.0123.new", runs / "small.json.4567.new"
    for left in (old, new):
        left.write_bytes(b"unfinished")
    os.utime(old, (0, 0))
    save_as(1)
    assert new.exists() and not old.exists() and bias_and_recipe() == (1, 1)


def test_bombs_do_not_go_off(runs, monkeypatch):
    """Small files that would take gigabytes, or more levels than Python can count."""
    path = save_weights(LeNet(), "lenet", RECIPE)
    recipe, packed = path.with_suffix(".json"), io.BytesIO()
    whole, text = path.read_bytes(), recipe.read_text()
    with (
        zipfile.ZipFile(io.BytesIO(whole)) as parts,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for name in parts.namelist():
            bomb.writestr(name, parts.read(name) + b"\0" * 10_000_000 * name.endswith("data/0"))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was unpacked"))
    forge(path, packed.getvalue())
    with pytest.raises(CheckpointError, match="damaged, or holds more than weights"):
        load_weights("lenet", data="digits")
    path.write_bytes(whole)
    for nested in ("[" * 100_000, '{"sha256":' * 10_000, text + " " * checkpoints.MOST_RECIPE):
        recipe.write_text(nested)
        with pytest.raises(CheckpointError, match="recipe that cannot be read"):
            load_weights("lenet", data="digits")
    monkeypatch.setattr(checkpoints, "MOST_WEIGHTS", 1000)
    with pytest.raises(CheckpointError, match="cannot be read: it has more than 1,000 bytes"):
        load_weights("lenet", data="digits")


def test_a_recipe_too_long_to_be_read_is_not_saved(runs):
    with pytest.raises(ValueError, match="at most 131,072"):
        save_weights(LeNet(), "lenet", {**RECIPE, "loss": [0.123456789] * 20_000})
    assert not runs.exists()


def test_what_is_no_file_is_named(runs):
    """A folder, and a named pipe, which would be waited for without end."""
    path = save_weights(LeNet(), "lenet", RECIPE)
    whole = path.read_bytes()
    kinds = [Path.mkdir, os.mkfifo] if hasattr(os, "mkfifo") else [Path.mkdir]
    for make in kinds:
        for part, words in ((path, "cannot be read"), (path.with_suffix(".json"), "a recipe that")):
            path.write_bytes(whole)
            part.unlink(missing_ok=True)
            make(part)
            with pytest.raises(CheckpointError, match=f"{words}.*it is no file"):
                load_weights("lenet", data="digits")
            part.rmdir() if part.is_dir() else part.unlink()


def test_advice_to_trust_a_file_is_not_passed_on(runs):
    path = save_weights(LeNet(), "lenet", RECIPE)
    for content in (saved(LeNet()), pickle.dumps([]), b"", b"PK"):
        forge(path, content)
        with pytest.raises(CheckpointError) as error:
            load_weights("lenet", data="digits")
        assert "weights_only" not in str(error.value) and "torch.load" not in str(error.value)
        assert error.value.__cause__ is None and error.value.__suppress_context__
    forge(path, saved({"a" * 10_000: torch.zeros(1)}))
    with pytest.raises(CheckpointError) as error:
        load_weights("lenet", data="digits")
    assert len(str(error.value)) < 600


@pytest.mark.parametrize("lost", [["lenet-mnist.pt"], ["lenet-mnist.json"], ["*.pt", "*.json"]])
@pytest.mark.parametrize("how", [Path.unlink, lambda path: path.write_bytes(b"damaged")])
def test_the_cure_that_is_named_cures(runs, monkeypatch, tmp_path, lost, how):
    """The command of the message, typed in the folder of the course."""
    shutil.copytree(checkpoints.DATA / "weights", tmp_path / "data" / "weights")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "the course"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    monkeypatch.setattr(checkpoints, "DATA", tmp_path / "data")
    for pattern in lost:
        for path in (tmp_path / "data" / "weights").glob(pattern):
            how(path)
    with pytest.raises(CheckpointError) as error:
        load_weights("lenet")
    (cure,) = re.findall("`(git checkout .*?)`", str(error.value))
    subprocess.run(cure.split(), cwd=tmp_path, check=True)
    assert load_weights("lenet")[1]["data"] == "mnist"


def test_a_cure_is_not_promised_where_there_is_none(runs):
    path = save_weights(LeNet(), "mine", RECIPE)
    path.with_suffix(".json").unlink()
    with pytest.raises(CheckpointError, match="again in its lesson") as error:
        load_weights("mine", data="digits")
    assert "the course's own" not in str(error.value)
    with pytest.raises(CheckpointError, match=r"The course has .*lenet-mnist.*save_weights"):
        load_weights("alexnet")


def test_weights_that_are_not_there(runs):
    with pytest.raises(CheckpointError, match="there are no weights"):
        load_weights("alexnet")
    with pytest.raises(CheckpointError, match=r"there are no weights .*alexnet-fashion-mnist\.pt"):
        load_weights("alexnet", data="fashion-mnist")
    with pytest.raises(ValueError, match="mnist, fashion-mnist, digits"):
        load_weights("lenet", data="mnsit")


# What the course ships


#: A record of each lesson, of those that are quick to make.
WHOLE = ("mlp-sgd", "lenet-sgd", "lenet", "fashion", "alexnet-plain", "plain-8")


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.slow
def test_records_are_what_their_recipes_give(name, request):
    """…in small: the same few steps, run again, end with the same losses."""
    recipe, record = RECIPES[name], load_record(name)
    assert record["recipe"] == json.loads(json.dumps(vars(recipe)))
    assert len(record["histories"]) == len(recipe.seeds)
    for history in record["histories"]:
        assert len(history["test_accuracy"]) == recipe.epochs
        assert len(history.get("validation_loss", [])) == (recipe.epochs if recipe.validate else 0)
    if not request.config.real_images:
        pytest.skip("needs MNIST and FashionMNIST, which are not at hand")
    again, recorded = sample(recipe), record["sample"]
    assert again.keys() == recorded.keys()
    # Another processor rounds otherwise, which a network of 20 layers makes larger.
    assert again["test_loss"] == pytest.approx(recorded["test_loss"], abs=2e-4)
    assert again["train_loss"] == pytest.approx(recorded["train_loss"], abs=5e-3)
    assert again.get("validation_loss") == pytest.approx(recorded.get("validation_loss"), abs=2e-4)


@pytest.mark.parametrize(
    "name", [n if n in WHOLE else pytest.param(n, marks=pytest.mark.records) for n in RECIPES]
)
@pytest.mark.slow
def test_records_lie_in_the_range_of_their_seeds(name, request):
    """The first epoch (of few images, the first two), run again."""
    if not request.config.real_images:
        pytest.skip("needs MNIST and FashionMNIST, which are not at hand")
    recipe, histories = RECIPES[name], load_record(name)["histories"]
    epochs = 2 if recipe.first <= 6_000 else 1
    again = run(recipe, recipe.seeds[0], epochs)
    for epoch in range(epochs):
        recorded = [history["test_accuracy"][epoch] for history in histories]
        # Another processor rounds otherwise, which is as another seed.
        margin = max(0.005, max(recorded) - min(recorded))
        assert min(recorded) - margin < again["test_accuracy"][epoch] < max(recorded) + margin


def test_a_record_is_of_whole_runs(monkeypatch):
    """One that ends early is not taken for a run; nothing is written."""
    if load_images("mnist")[0].name != "mnist":
        pytest.skip("needs MNIST, which is not at hand")
    recipe = replace(RECIPES["mlp-sgd"], first=1000, rate=1e18)
    with pytest.raises(InterruptedError, match="whole runs"):
        run(recipe, seed=0, epochs=9)


def test_no_record_without_its_images(monkeypatch):
    monkeypatch.setenv("COURSE_DATA_DIR", "digits")
    with pytest.raises(LookupError, match="needs mnist"):
        run(RECIPES["mlp-sgd"], seed=0, epochs=1)


def test_weights_for_each_data_set(runs, capsys):
    """The digits stand in for MNIST, so its weights do for them; clothes have their own."""
    said = {"mnist": "mnist", "fashion-mnist": "fashion-mnist", "digits": "mnist"}
    for data, learned_from in said.items():
        _, recipe = load_weights("lenet", data=data)
        assert recipe["data"] == learned_from
        assert f"trained on {learned_from}: lenet-{learned_from}.pt" in capsys.readouterr().out
    save_weights(LeNet(), "lenet", {**RECIPE, "data": "mnist"})  # the reader's own, of digits
    _, recipe = load_weights("lenet", data="fashion-mnist")
    assert recipe["data"] == "fashion-mnist"


@pytest.mark.parametrize(("data", "least"), [("mnist", 0.986), ("fashion-mnist", 0.85)])
@pytest.mark.slow
def test_the_shipped_accuracy_is_true(runs, request, data, least):
    model, recipe = load_weights("lenet", data=data)
    assert recipe["accuracy"] > least and recipe["data"] == data
    if not request.config.real_images:
        pytest.skip(f"needs {data}, which is not at hand")
    _, test = load_images(data)
    assert evaluate(model, test, **recipe["inputs"])[1] == pytest.approx(
        recipe["accuracy"], abs=2e-4
    )


def test_pretrained_weights_are_found_and_never_fetched(monkeypatch, tmp_path):
    content = b"weights"
    begins = hashlib.sha256(content).hexdigest()[:8]
    name, url = f"resnet18-{begins}.pth", f"https://nowhere.invalid/models/resnet18-{begins}.pth"
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("COURSE_DATA_DIR", raising=False)
    assert find_pretrained(url) is None
    monkeypatch.setenv("COURSE_DATA_DIR", "digits")
    assert find_pretrained(url) is None
    for folder in ("shared", "torch/hub/checkpoints"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / name).write_bytes(content)
        monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "shared"))
        assert find_pretrained(url) == tmp_path / folder / name
    (tmp_path / folder / name).write_bytes(content[:3])
    with pytest.raises(CheckpointError, match=f"{name} is damaged.*{begins}.*not loaded"):
        find_pretrained(url)


def read(model: nn.Module) -> torch.Tensor:
    image, label = sample_digit()
    digit = Images(image[None], torch.tensor([label]), tuple("0123456789"), "digits")
    x, _ = next(batches(digit, 1))
    with torch.no_grad():
        return model.eval()(x).softmax(dim=1)[0]


@pytest.mark.slow
def test_networks_of_both_data_sets_read_the_sample_digit(runs):
    assert sample_digit()[1] == 5
    assert read(load_weights("lenet")[0])[5] > 0.9
    train, _ = load_images("digits")
    set_seed(1)
    model = LeNet()
    optimizer, schedule = taught(9)["adam_one_cycle"](model, steps=20 * 12)
    fit(model, train, epochs=20, optimizer=optimizer, schedule=schedule)
    assert read(model)[5] > 0.9
