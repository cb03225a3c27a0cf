"""Training: the loop and its ends, devices, models, and the keeping of weights."""

import hashlib
import json
import math
import pickle
from dataclasses import replace

import pytest
import torch
from documents import taught
from torch import nn
from torch.nn import functional as F

from course_utils import checkpoints, training
from course_utils.checkpoints import (
    CheckpointError,
    find_pretrained,
    load_weights,
    save_weights,
)
from course_utils.images import Images, batches, load_images, sample_digit
from course_utils.models import CNN, MLP, LeNet
from course_utils.record import RECIPES, load_record, run
from course_utils.training import evaluate, fit, pick_device, set_seed


@pytest.fixture
def data():
    train, test = load_images("digits")
    return train[:200], test[:100]


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

    class Bar(training.tqdm):
        def __init__(self, *args, **options):
            super().__init__(*args, **{**options, "disable": False})
            bars.append(self)

    monkeypatch.setattr(training, "tqdm", Bar)
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
    recipe = json.loads(path.with_suffix(".json").read_text())
    recipe |= {"sha256": hashlib.sha256(content).hexdigest(), **changes}
    path.with_suffix(".json").write_text(json.dumps(recipe))


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


def test_weights_that_are_not_there(runs):
    with pytest.raises(CheckpointError, match="there are no weights"):
        load_weights("alexnet")
    with pytest.raises(CheckpointError, match=r"there are no weights .*alexnet-fashion-mnist\.pt"):
        load_weights("alexnet", data="fashion-mnist")
    with pytest.raises(ValueError, match="mnist, fashion-mnist, digits"):
        load_weights("lenet", data="mnsit")


# What the course ships


@pytest.mark.parametrize("name", RECIPES)
def test_records_are_what_their_recipes_give(name, request):
    """The first two epochs, run again, lie in the record's range over its seeds."""
    recipe, record = RECIPES[name], load_record(name)
    assert record["recipe"] == json.loads(json.dumps(vars(recipe)))
    assert len(record["histories"]) == len(recipe.seeds)
    for history in record["histories"]:
        assert len(history["test_accuracy"]) == recipe.epochs
        assert len(history.get("validation_loss", [])) == (recipe.epochs if recipe.validate else 0)
    if not request.config.real_images:
        pytest.skip("needs MNIST and FashionMNIST, which are not at hand")
    again = run(recipe, recipe.seeds[0], epochs=2)
    for epoch in (0, 1):
        recorded = [history["test_accuracy"][epoch] for history in record["histories"]]
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


def test_networks_of_both_data_sets_read_the_sample_digit(shipped):
    assert sample_digit()[1] == 5
    assert read(shipped[0])[5] > 0.9
    train, _ = load_images("digits")
    set_seed(1)
    model = LeNet()
    optimizer, schedule = taught(9)["adam_one_cycle"](model, steps=20 * 12)
    fit(model, train, epochs=20, optimizer=optimizer, schedule=schedule)
    assert read(model)[5] > 0.9
