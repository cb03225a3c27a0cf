"""Checks of the exercises of lesson 17, the bug clinic."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from course_utils.exercises.engine.checks import Verdict, call, different, exercise, named, observed
from course_utils.exercises.engine.reading import Answer, NotNumbers, as_array
from course_utils.exercises.journal import lesson_journal
from course_utils.exercises.lesson06 import CONV2D_MISTAKES

mine, progress = lesson_journal(__name__)

Tensor = torch.Tensor


def sick_training(network: nn.Module, x: Tensor, y: Tensor, epochs: int) -> None:
    """For exercise 1: four faults, and no error."""
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    network.eval()
    for _ in range(epochs):
        for chosen in y.argsort().split(16):
            p = F.softmax(network(x[chosen]), dim=1)
            loss = F.cross_entropy(p, y[chosen])
            loss.backward()
            optimizer.step()


class RecordingNetwork(nn.Module):
    """A small network that keeps what a training does with it. x: (N, 1, 4, 4), logits (N, 3).

    labels: those of each batch; steps: for each its logits and the gradient of these.
    in_training: the mode of each; added_up: whether a gradient was added to an older one.
    """

    def __init__(self, x: Tensor, y: Tensor) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Flatten(), nn.Linear(16, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Linear(12, 3)
        )
        self.label_of = {_key(image): label for image, label in zip(x, y.tolist(), strict=True)}
        self.labels: list[Tensor] = []
        self.steps: list[tuple[Tensor, Tensor, Tensor]] = []
        self.in_training: list[bool] = []
        self.added_up = False
        fresh: list[Tensor] = []
        (weight, *_) = self.body.parameters()
        weight.register_hook(lambda gradient: fresh.append(gradient.clone()))
        weight.register_post_accumulate_grad_hook(lambda w: self._compare(w.grad, fresh[-1]))

    def _compare(self, kept: Tensor | None, fresh: Tensor) -> None:
        self.added_up |= kept is not None and not torch.allclose(kept, fresh, atol=1e-7)

    def forward(self, x: Tensor) -> Tensor:
        z = self.body(x)
        y = torch.tensor([self.label_of.get(_key(image), -1) for image in x])
        if z.requires_grad and (y >= 0).all():
            self.in_training.append(self.training)
            self.labels.append(y)
            z.register_hook(lambda gradient: self.steps.append((z.detach(), y, gradient)))
        return z


def _key(image: Tensor) -> bytes:
    return image.detach().numpy().tobytes()


def noisy_images() -> tuple[Tensor, Tensor]:
    """Thirty-two noisy images of each of three classes, in no order."""
    generator = torch.Generator().manual_seed(17)
    y = torch.arange(96)[torch.randperm(96, generator=generator)] % 3
    centres = torch.randn(3, 1, 4, 4, generator=generator)
    return centres[y] + 0.5 * torch.randn(96, 1, 4, 4, generator=generator), y


def _are_sorted(batches: list[Tensor]) -> bool:
    """Whether most batches hold one class, and the next one mostly the same."""
    one_class = sum(len(batch.unique()) == 1 for batch in batches)
    everything = torch.cat(batches)
    changes = (everything[1:] != everything[:-1]).sum().item()
    return one_class > len(batches) / 2 and changes < len(everything) / 4


def _has_softmax_twice(z: Tensor, y: Tensor, gradient: Tensor) -> bool:
    """Whether the gradient is that of cross-entropy of probabilities, but for a factor."""
    z = z.clone().requires_grad_()
    loss = F.cross_entropy(z.softmax(dim=1), y)
    twice = torch.autograd.grad(loss, z)[0]
    return F.cosine_similarity(twice.flatten(), gradient.flatten(), dim=0).item() > 0.9999


@exercise(
    "All four faults are mended, and the network has learned.",
    [
        observed(
            "eval-mode",
            "The network is trained in evaluation mode. Its batch normalisation never uses the "
            "batch, and its running statistics stay at 0 and 1: call network.train() first.",
        ),
        observed(
            "no-zero-grad",
            "The gradients of all steps add up. The old ones have to be cleared before each "
            "backward(): optimizer.zero_grad().",
        ),
        observed(
            "sorted",
            "The batches come sorted by class, so that most hold a single one. Draw a new order "
            "for each epoch, for example with torch.randperm(len(x)).",
        ),
        observed(
            "softmax-twice",
            "The gradient that comes back is that of softmax applied twice: cross_entropy applies "
            "it itself, and takes logits.",
        ),
        observed(
            "not-learned",
            "None of the four faults is left, but the network has not learned: it should answer "
            "90% of the images x correctly.",
        ),
    ],
)
def check_train(train: Callable) -> str | Verdict | None:
    """train(network, x, y, epochs): the network is trained in place, without the four faults.

    Any optimiser, loss and size of batches by which it learns.
    """
    x, y = noisy_images()
    torch.manual_seed(0)
    network = RecordingNetwork(x, y)
    with torch.enable_grad():
        call(train, network, x.clone(), y.clone(), 20, shown="train(network, x, y, 20)")
    left = _faults_left(network)
    if left:
        return named(left[0], f" ({len(left)} of the four faults left.)")
    network.eval()
    with torch.no_grad():
        right = (network(x).argmax(dim=1) == y).double().mean().item()
    return None if right >= 0.9 else named("not-learned", f" It answers {right:.0%}.")


def _faults_left(network: RecordingNetwork) -> list[str]:
    found = [
        ("eval-mode", not all(network.in_training)),
        ("no-zero-grad", network.added_up),
        ("sorted", bool(network.labels) and _are_sorted(network.labels)),
        ("softmax-twice", any(_has_softmax_twice(*step) for step in network.steps[:3])),
    ]
    return [code for code, is_left in found if is_left]


class ModeDependentLogits(nn.Module):
    """Gives prepared logits (N, K), in training mode those of the next class instead."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = nn.Parameter(logits)
        self.built_graph = False

    def forward(self, x: Tensor) -> Tensor:
        self.built_graph |= torch.is_grad_enabled()
        logits = self.logits[x.flatten().long()]
        return logits.roll(1, dims=1) if self.training else logits


def prepared_logits(answers: list[int], classes: int) -> Tensor:
    """Largest at the answers; the rest is such that no two columns or rows are alike."""
    generator = torch.Generator().manual_seed(classes)
    noise = torch.rand(len(answers), classes, generator=generator)
    return noise + 3 * F.one_hot(torch.tensor(answers), classes)


#: Answers, labels and the number of classes. In the first a wrong axis raises no error.
EVALUATIONS = [
    ([0, 0, 0, 1], [0, 3, 0, 1], 4),
    ([0, 1, 2, 3, 3, 1, 1], [1, 1, 2, 2, 3, 0, 1], 5),
]


@exercise(
    "Measured in evaluation mode, without gradients, and the network is as it was.",
    [
        observed(
            "training-mode",
            "The accuracy is that of the network in training mode, where dropout is on and batch "
            "normalisation depends on the batch. Call network.eval() before you measure.",
        ),
        observed(
            "each-with-each",
            "Each answer is compared with each label: (N, 1) and (N,) are broadcast to (N, N). "
            "Both have to be of shape (N,).",
        ),
        observed(
            "wrong-axis",
            "The argmax is taken over the images. The logits of an image are a row: argmax(dim=1).",
        ),
        observed(
            "not-a-share",
            "That is a count, or in percent. The share of correct answers lies between 0 and 1.",
        ),
        observed(
            "mode-left",
            "The number is right, but afterwards the network is not in the mode in which it came. "
            "Note network.training first, and call network.train(...) with it at the end.",
        ),
        observed(
            "gradients",
            "The number is right, but gradients were enabled while the network computed, which "
            "costs memory and time: measure under torch.no_grad().",
        ),
    ],
)
def check_accuracy(accuracy: Callable) -> str | Verdict | None:
    """accuracy(network, x, y): the share of correct answers, 0 to 1, in evaluation mode."""
    for answers, labels, classes in EVALUATIONS:
        for training in (True, False):
            network = ModeDependentLogits(prepared_logits(answers, classes)).train(training)
            x, y = torch.arange(len(answers)).float()[:, None], torch.tensor(labels)
            shown = f"accuracy(network, x, y), with {len(x)} images of {classes} classes,"
            with torch.enable_grad():
                found = call(accuracy, network, x.clone(), y.clone(), shown=shown)
            try:
                number = as_array(found)
            except NotNumbers as error:
                return different(f"what {shown} gives {error}.")
            wrong = _wrong_accuracy(number, network.logits.detach(), y)
            if wrong is not None:
                return wrong
            if network.training != training:
                return "mode-left"
            if network.built_graph:
                return "gradients"
    return None


def _wrong_accuracy(number: np.ndarray, z: Tensor, y: Tensor) -> str | Verdict | None:
    """What is wrong with an accuracy, by what it equals."""

    def share(right: Tensor) -> float:
        return right.double().mean().item()

    expected = share(z.argmax(dim=1) == y)
    if number.size == 1 and abs(number.item() - expected) < 1e-6:
        return None
    known = [
        ("training-mode", share(z.roll(1, dims=1).argmax(dim=1) == y)),
        ("each-with-each", share(z.argmax(dim=1, keepdim=True) == y)),
        ("not-a-share", expected * len(y)),
        ("not-a-share", expected * 100),
    ]
    if z.shape[0] == z.shape[1]:
        known.insert(2, ("wrong-axis", share(z.argmax(dim=0) == y)))
    for code, value in known:
        if number.size == 1 and abs(number.item() - value) < 1e-4:
            return code
    return different(
        f"with logits\n{z}\nand labels {y.tolist()} the accuracy in evaluation mode is "
        f"{expected:.4f}."
    )


#: For exercise 3: what was measured of three trainings that the lesson has not shown.
READINGS: dict[str, tuple[str, str, str]] = {
    "run": ("P", "Q", "R"),
    "first loss": ("2.30", "2.31", "2.30"),
    "loss, last epoch": ("1.57", "0.06", "2.30"),
    "training accuracy (%)": ("95.9", "98.8", "9.9"),
    "test accuracy (%)": ("95.0", "99.2", "9.4"),
    "accuracy on new digits (%)": ("94.8", "95.1", "10.2"),
    "gradient of fc 1": ("0.03", "0.41", "0.00"),
    "gradient of fc 2": ("0.05", "0.52", "0.31"),
    "update ratio of fc 2": ("0.004", "0.005", "0.003"),
}
#: The faults among which the three are.
FAULTS = (
    "the learning rate is far too small",
    "the optimiser holds the weights of another network",
    "softmax is applied twice",
    "the layers before fc 2 send no signal back: their units are dead",
    "the gradients of all steps add up",
    "the test images are among the training images",
    "accuracy is measured in training mode",
    "the accuracy compares each answer with each label",
)


@exercise(
    "The value at which a loss stops, a test that is too good, a gradient that ends: each is found "
    "by a number that only this fault leaves.",
    [
        observed("not-in-list", "The faults have the numbers 1 to 8; name three of them."),
        observed(
            "run-p",
            "Not P. Its accuracies are good, and agree on all three sets, so what is measured is "
            "right and the network learns. Its loss stops at a value that you know.",
        ),
        observed(
            "run-q",
            "Not Q. Its loss is healthy. Compare the three accuracies: which should be the "
            "highest, and which two should be about equal?",
        ),
        observed(
            "run-r",
            "Not R. Its last layer has a gradient, and its weights move. Where does the gradient "
            "end?",
        ),
    ],
)
def check_faults(faults: Answer) -> str | Verdict | None:
    """faults: for each of the runs P, Q and R the number of its fault, 1 to 8."""
    try:
        numbers = as_array(faults).ravel()
    except NotNumbers:
        return different("three numbers are expected, for P, Q and R, such as [1, 2, 3].")
    if numbers.size != 3:
        return different("three numbers are expected, for P, Q and R, such as [1, 2, 3].")
    if not all(number in range(1, len(FAULTS) + 1) for number in numbers):
        return "not-in-list"
    for number, right, code in zip(numbers, (3, 6, 4), ("run-p", "run-q", "run-r"), strict=True):
        if number != right:
            return code
    return None


def _with_loops(x: np.ndarray, W: np.ndarray, b: np.ndarray, stride: int) -> np.ndarray:
    F_ = W.shape[-1]
    rows, columns = ((side - F_) // stride + 1 for side in np.shape(x)[1:])
    z = np.zeros((len(W), rows, columns))
    for k, i, j in np.ndindex(z.shape):
        top, left = i * stride, j * stride
        z[k, i, j] = (x[:, top : top + F_, left : left + F_] * W[k]).sum() + b[k]
    return z


def _with_matrix(x: np.ndarray, W: np.ndarray, b: np.ndarray, stride: int) -> np.ndarray:
    sides = (W.shape[2], W.shape[3])
    windows = np.lib.stride_tricks.sliding_window_view(x, sides, axis=(1, 2))
    windows = windows[:, ::stride, ::stride].transpose(0, 3, 4, 1, 2)  # (C, F, F, H', W')
    return np.tensordot(W, windows, axes=3) + b[:, None, None]


def _with_torch(x: np.ndarray, W: np.ndarray, b: np.ndarray, stride: int) -> np.ndarray:
    X, kernels, bias = (torch.tensor(np.asarray(a), dtype=torch.float32) for a in (x, W, b))
    return F.conv2d(X, kernels, bias, stride=stride).numpy()


#: Three right versions of conv2d, by what is said of them.
RIGHT_VERSIONS = {
    "the one with loops": _with_loops,
    "the one with a matrix product": _with_matrix,
    "torch's, whose numbers are float32": _with_torch,
}
#: Eight wrong ones: codes of lesson 06's mistakes, which of their rules, and what finds them.
_WRONG_VERSIONS = (
    ("one-channel", 0, "passes-channels"),
    ("flipped", 0, "passes-kernel"),
    ("transposed", 0, "passes-kernel"),
    ("bias-missing", 0, "passes-bias"),
    ("bias-shared", 0, "passes-bias"),
    ("bias-per-channel", 0, "passes-channels"),
    ("stride-in-kernel", 1, "passes-stride"),
    ("stride-ignored", 1, "passes-stride"),
)


def wrong_versions() -> list[tuple[str, str, Callable]]:
    """The wrong versions: the code of a survivor, what is wrong in words, and the function."""
    known = {mistake.code: mistake for mistake in CONV2D_MISTAKES}
    found = []
    for code, rule, survivor in _WRONG_VERSIONS:
        words = known[code].sentence.removeprefix("Your result is what comes out when ")
        found.append((survivor, words.partition(". ")[0], known[code].rules[rule]))
    return found


@exercise(
    "Three right versions pass, and eight wrong ones fail.",
    [
        observed(
            "refuses-right",
            "Your test refuses a right conv2d. Compare with a tolerance, since the last digits "
            "depend on the order of the sums, and check by hand what you expect.",
        ),
        observed(
            "refuses-nothing",
            "Your test passes everything, also eight wrong versions. It has to return False, or "
            "to raise an AssertionError, where a result is not the expected one.",
        ),
        observed(
            "passes-channels",
            "A wrong conv2d passes your test. With a single channel nobody sees it: give x at "
            "least two channels, a bias that is not 0, and expect the sum over the channels.",
        ),
        observed(
            "passes-kernel",
            "A wrong conv2d passes your test. With a kernel that looks the same when it is turned "
            "or mirrored nobody sees it: give it four different numbers.",
        ),
        observed(
            "passes-bias",
            "A wrong conv2d passes your test. Give it at least two kernels with two different "
            "biases that are not 0.",
        ),
        observed(
            "passes-stride",
            "A wrong conv2d passes your test. With stride 1, or a single window, nobody sees it: "
            "try stride 2 on an x that has room for several windows.",
        ),
    ],
)
def check_is_right(is_right: Callable) -> str | Verdict | None:
    """is_right(conv2d): whether an implementation of lesson 06's conv2d is right.

    It says so by True or False, or raises an AssertionError, or returns nothing where all is well.
    An error of any kind that a wrong version causes counts as a refusal.
    """
    if not callable(is_right):
        return different("a function is expected here, which is given a conv2d.")

    def asked(version: Callable) -> Answer:
        try:
            return is_right(version)
        except AssertionError:
            return False

    for words, version in RIGHT_VERSIONS.items():
        found = call(asked, version, shown=f"is_right(conv2d), for {words},")
        if found is not None and not isinstance(found, bool | np.bool_):
            return different("is_right(conv2d) should give True or False.")
        if found is not None and not found:
            return named("refuses-right", f" This one was refused: {words}.")
    survivors = [
        (code, words)
        for code, words, version in wrong_versions()
        if not _refuses(is_right, version)
    ]
    if len(survivors) == len(_WRONG_VERSIONS):
        return "refuses-nothing"
    for code, words in survivors:
        return named(code, f" In it, {words}. ({8 - len(survivors)} of 8 wrong versions fail.)")
    return None


def _refuses(is_right: Callable, version: Callable) -> bool:
    try:
        found = is_right(version)
    except Exception:
        return True
    return found is not None and not found
