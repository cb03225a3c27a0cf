"""Which networks the views take: what is wrong with one is named, and the same by every view."""

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from course_utils import images, models, views
from course_utils.views import networks

#: The views of a network as a chain of layers, and those that only ask for its answer.
CHAINS = [views.XRay, views.ShapeLedger, views.ReceptiveField]
_, DIGITS = images.load_images("digits")
ASKED = {
    "Confusion": lambda model: views.Confusion(model, DIGITS[:50]),
    "Augmentation": views.Augmentation,
    "Replay": lambda model: views.Replay(model, DIGITS[:50]),
}


def with_value(value, name="features.0.weight"):
    model = models.LeNet()
    model.state_dict()[name].view(-1)[3] = value
    return model


def returning(answer):
    """A LeNet whose forward() returns something else."""

    class Mine(models.LeNet):
        def forward(self, x):
            return answer(super().forward(x))

    return Mine()


def failing(error):
    class Mine(models.LeNet):
        def forward(self, x):
            raise error

    return Mine()


def hooked(*, before=False):
    """A LeNet with one map switched off by a hook, as in lesson 10."""

    def silence(layer, inputs, output=None):
        return (0 * inputs[0],) if before else 0 * output

    model = models.LeNet()
    layer = model.features[0]
    (layer.register_forward_pre_hook if before else layer.register_forward_hook)(silence)
    return model


def pruned():
    model = models.LeNet()
    prune.l1_unstructured(model.features[0], "weight", 0.5)
    return model


def batch_norm_of(value):
    layers = [nn.Conv2d(1, 2, 5), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2 * 28 * 28, 10)]
    layers[1].running_var.fill_(value)
    return nn.Sequential(*layers)


CHAIN = [
    (lambda: with_value(torch.nan), "LeNet has NaN among its weights, in features.0.weight. Has"),
    (lambda: with_value(torch.inf, "classifier.1.bias"), "infinite values among its weights, in c"),
    (lambda: batch_norm_of(torch.nan), "Sequential has NaN among its weights, in 1.running_var"),
    (lambda: with_value(3e38), "gives NaN or infinite values for random images: its weights are"),
    (hooked, "the layer Conv2d (features.0) has a hook (silence), which may change what"),
    (lambda: hooked(before=True), "the layer Conv2d (features.0) has a hook (silence)"),
    (pruned, "has a hook (L1Unstructured)"),
    (lambda: nn.Sequential(nn.LazyConv2d(2, 3)), "LazyConv2d (0) has no weights yet: give"),
    (lambda: models.LeNet().to("meta"), "LeNet cannot be copied: Cannot copy out of meta tensor"),
    (lambda: returning(lambda y: (y, y)), "Mine returns a tuple; a tensor of logits is needed"),
    (lambda: returning(lambda y: 2 * y + 1), "Mine does more than its layers, one after the"),
    (lambda: returning(lambda y: y[:, None]), "Mine does more than its layers, one after the"),
    (lambda: failing(AssertionError()), "Mine does not take"),
    (lambda: failing(KeyError("x")), "Mine does not take"),
    (
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(30, 8), nn.Flatten()),
        "a Flatten is needed: it is given (2, 30, 30)",
    ),
    (
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(2), nn.MaxPool2d(2), nn.Flatten()),
        "pool 1 needs maps (C, H, W), and is given (2, 900)",
    ),
    (
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2, return_indices=True)),
        "pool 1: a MaxPool2d with return_indices=True cannot be shown",
    ),
]


@pytest.mark.parametrize("view", [views.XRay, views.ReceptiveField])
@pytest.mark.parametrize(("make", "sentence"), CHAIN, ids=[sentence for _, sentence in CHAIN])
def test_every_view_of_a_chain_says_the_same(view, make, sentence):
    with pytest.raises(ValueError) as caught:
        view(make())
    assert sentence in str(caught.value)


@pytest.mark.parametrize(("make", "sentence"), CHAIN, ids=[sentence for _, sentence in CHAIN])
def test_the_ledger_shows_what_can_be_shown(make, sentence):
    """It refuses what cannot be run; of all else it shows the calls, and says what is wrong."""
    try:
        view = views.ShapeLedger(make())
    except ValueError as error:
        assert sentence in str(error)
        assert any(word in sentence for word in ("hook", "no weights yet", "cannot be copied"))
        return
    said = view.render(dict(view.values), answered=True)["sentence"]
    assert said == view.arithmetic().splitlines()[-1] and view.picture()
    for word in ("NaN", "infinite"):
        assert word not in sentence or word in said


@pytest.mark.parametrize("view", ASKED)
def test_weights_that_are_not_finite_are_named_by_all(view):
    with pytest.raises(ValueError, match=r"LeNet has NaN among its weights, in features\.0"):
        ASKED[view](with_value(torch.nan))


@pytest.mark.parametrize("view", ["XRay", "ReceptiveField", *ASKED])
def test_images_that_do_not_fit_are_named_by_all(view):
    model = nn.Sequential(nn.Conv2d(1, 2, 5), nn.Flatten(), nn.Linear(7, 10))
    make = ASKED.get(view) or getattr(views, view)
    with pytest.raises(ValueError, match=r"Sequential does not take images of \(1, 32, 32\): "):
        make(model)


def test_a_network_is_read_as_its_layers():
    known = (nn.Conv2d, nn.ReLU, nn.Flatten)
    model = nn.Sequential(nn.Conv2d(3, 4, 5), nn.ReLU(inplace=True), nn.Flatten())
    network = networks.read(model, known)
    shapes = [("conv 1", (4, 28, 28)), ("ReLU 1", (4, 28, 28)), ("Flatten 1", (3136,))]
    assert (network.name, network.shape) == ("Sequential", (3, 32, 32))
    assert [(layer.name, layer.shape) for layer in network.layers] == shapes
    images = torch.randn(2, 3, 32, 32)
    x, before, after, flat = network.values(images)
    assert torch.equal(x, images) and torch.equal(flat, model(images))
    assert (before < 0).any() and torch.equal(after, before.relu())  # ReLU has not changed it
    assert networks.read(model, known, [(3, 20, 20)]).shape == (3, 20, 20)


@pytest.mark.parametrize("training", [True, False])
def test_a_model_is_evaluated_and_then_as_before(training):
    model = models.CNN().train(training)
    part = next(model.children()).train(not training)
    with pytest.raises(KeyError), networks.evaluating(model):
        assert not any(module.training for module in model.modules())
        raise KeyError
    assert model.training == training and part.training != training


def test_probabilities_that_are_not_finite():
    chances = torch.full((50, 10), 0.1)
    chances[3, 4] = torch.nan
    with pytest.raises(ValueError, match="NaN or infinite values are among the probabilities"):
        views.Confusion(chances, DIGITS[:50])


def test_an_answer_that_is_no_tensor():
    with pytest.raises(ValueError, match="Mine returns a dict"):
        views.Augmentation(returning(lambda y: {"logits": y}))


@pytest.mark.parametrize("view", CHAINS)
def test_a_hook_that_is_taken_off_is_no_hindrance(view):
    model, seen = models.LeNet(), []
    handle = model.features[0].register_forward_hook(lambda *kept: seen.append(kept))
    with pytest.raises(ValueError, match="has a hook"):
        view(model)
    handle.remove()
    view(model)
    assert seen == []


def test_a_copy_leaves_the_model_alone():
    model = models.CNN().double().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    copy = networks.copied(model)
    assert model.training and not copy.training
    assert next(model.parameters()).dtype == torch.float64
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        ([nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular")], "with padding_mode=circular"),
        ([nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect")], "with padding_mode=reflect"),
        ([nn.AvgPool2d(3, padding=1, count_include_pad=False)], "with count_include_pad=False"),
    ],
)
@pytest.mark.parametrize("view", [views.XRay, views.ReceptiveField])
def test_what_is_padded_has_to_be_zeros_that_count(view, layers, sentence):
    model = nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(10))
    model(torch.zeros(1, 1, 32, 32))
    with pytest.raises(ValueError, match=sentence):
        view(model)
    views.ShapeLedger(model)  # shapes and counts are the same
