"""A training, replayed: loss, filters, and what the network made of one stubborn digit."""

import math
import struct
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack

import torch
import traitlets
from IPython import get_ipython
from matplotlib import style
from matplotlib.figure import Figure
from torch import nn
from torch.nn import functional as F

from course_utils import images, plots

from . import drawing, networks
from .base import View, bundle
from .base import style as sheet

DIGITS = 100
#: So many frames at most; then every other one goes, and half as many are kept from there on.
FRAMES = 64
#: A frame after each of the first steps here, and then every so many, at first. Measuring one
#: costs a third of a step of LeNet.
EARLY, EVERY = (0, 1, 2, 4, 8), 16
#: At most five messages a second go to the page while the network learns.
PAUSE = 0.2
#: Fewer steps than this have nothing to replay.
FEWEST = 8
QUESTION = "What is it taken for most often?"


@dataclass
class Frame:
    """What is kept of one step: all of it measured once that step has been made.

    loss: the mean cross-entropy of the digits, in nats. right: how many are read rightly.
    chances: float32 (digits, classes). filters: as `packed` writes them.
    """

    step: int
    loss: float
    right: int
    chances: torch.Tensor
    filters: bytes


class Replay(View):
    """Watch a network learn, and then go through its training with one slider.

    model: what is going to learn. test: Images, of which 100, evenly spread, are followed.
    inputs: pad, mean and std of `batches`.

    Show it before the training, and let torch call `record` after each step:
    ``optimizer.register_step_post_hook(replay.record)``; or, where the optimiser does not exist
    yet, by ``register_optimizer_step_post_hook(replay.record)`` of torch.optim.optimizer, which
    calls it for all of them. The training's weights and random numbers stay what they would be
    without. When the cell that trains has ended, the page can replay it; outside of IPython call
    `finish`.

    Raises ValueError for a model whose first layer does not look at pictures, that cannot read
    those of test, or that has weights that are not finite.
    """

    _esm = bundle("replay.js")
    _css = sheet("xray.css", "replay.css")

    #: What does not change: the names, and the shape of the filters.
    about = traitlets.Dict().tag(sync=True)
    #: Step, loss and digits read rightly of every frame, and the filters of the last one.
    curve: traitlets.List[list] = traitlets.List().tag(sync=True)
    now = traitlets.Bytes().tag(sync=True)
    #: Of a training that has ended: the question, and of each frame its filters and the
    #: probabilities of the stubborn digit, float32 (frames, classes); that digit's picture.
    run = traitlets.Dict().tag(sync=True)
    filters = traitlets.Bytes().tag(sync=True)
    chances = traitlets.Bytes().tag(sync=True)
    digit = traitlets.Bytes().tag(sync=True)

    def __init__(
        self, model: nn.Module, test: images.Images, **inputs: Unpack[images.Inputs]
    ) -> None:
        self._model, self._layer = model, first_layer(model)
        networks.check_weights(model)
        count = min(DIGITS, len(test))
        self._digits = test[torch.arange(count) * len(test) // count]
        ((x, y),) = images.batches(self._digits, count, **inputs)
        # A layout in which pooling takes half the time. (contiguous() sees it in what has C = 1.)
        self._batch = x.to(memory_format=torch.channels_last), y
        self._step = 0
        self._every = EVERY
        self._sent = 0.0  # when the page was last told
        self._is_recording = False
        self.frames = [self._frame()]
        shape = list(pictures(self._layer).shape)
        about = {"name": type(model).__name__, "classes": list(test.classes), "digits": count}
        about |= {"filters": shape, "pooled": _pooled(self._layer)}
        super().__init__(about=about, curve=self._curve(), now=self.frames[0].filters)

    def record(self, optimizer: torch.optim.Optimizer, *_: object) -> None:
        """Count a step of the optimiser, if it is this model's, and keep a frame of some.

        torch calls it with the optimiser, its arguments and its keywords.
        """
        parameters = optimizer.param_groups[0]["params"]
        if not any(parameters[0] is parameter for parameter in self._model.parameters()):
            return
        self._step += 1
        if not self._is_recording:
            self._is_recording = True
            if shell := get_ipython():
                shell.events.register("post_run_cell", self.finish)
        if self._step % self._every and self._step not in EARLY:
            return
        self.frames.append(self._frame())
        if len(self.frames) > FRAMES:
            self._every *= 2
            self.frames = [
                frame
                for frame in self.frames
                if frame.step in EARLY or frame.step % self._every == 0
            ]
        if time.monotonic() - self._sent >= PAUSE:
            self.send_curve()

    def finish(self, *_: object) -> None:
        """Give the page what was recorded. IPython calls it when the cell that trained ends."""
        if self._is_recording and (shell := get_ipython()):
            shell.events.unregister("post_run_cell", self.finish)
        self._is_recording = False
        if self._step < FEWEST:
            self.send_curve()
            return
        if self.frames[-1].step < self._step:
            self.frames.append(self._frame())
        chances = torch.stack([frame.chances for frame in self.frames])
        chosen = stubborn(chances.argmax(dim=2) == self._digits.labels)
        with self.hold_sync():
            self.send_curve()
            self.filters = b"".join(frame.filters for frame in self.frames)
            self.chances = chances[:, chosen].numpy().tobytes()
            self.digit = self._digits.images[chosen].numpy().tobytes()
            steps = [frame.step for frame in self.frames]
            answers = chances[:, chosen].argmax(dim=1).tolist()
            label = int(self._digits.labels[chosen])
            question = question_about(steps, answers, label, self._digits.classes)
            self.run = {"steps": self._step, "label": label, "question": question}

    def kernels(self, part: float) -> torch.Tensor:
        """The filters (K, H, W) as they were after a part of the steps, from 0 to 1.

        They are those of the last frame until then, within 1/254 of their largest value. Raises
        ValueError for another part.
        """
        if not 0 <= part <= 1:
            raise ValueError(f"a part of the training is from 0 to 1; got {part}.")
        seen = [frame for frame in self.frames if frame.step <= part * self._step]
        return unpacked(seen[-1].filters, self.about["filters"])

    def arithmetic(self) -> str:
        count, high, wide = self.about["filters"]
        frames = f"{len(self.frames)} kept" if self._step else "training has not begun"
        classes = len(self._digits.classes)
        return (
            f"{count} filters of {high} × {wide}, of the first layer\n"
            f"{len(self._digits)} test images of {classes} classes\n"
            f"{self._step} steps, {frames}"
        )

    def picture(self) -> bytes:
        """The question, the filters before the training, and axes that wait for it."""
        with style.context("course_utils.course"):
            figure = Figure(figsize=(10, 4), layout="constrained")
            question = f"Predict: one of {len(self._digits)} test images is misread longest. "
            figure.suptitle(question + QUESTION, fontsize=13)
            left, right = figure.subplots(1, 2, width_ratios=[3, 2])
            left.set(xlabel="step", ylabel="loss (nats)", xlim=(0, 1), ylim=(0, 2.5))
            left.set(xticks=[0], title=f"loss on {len(self._digits)} test images")
            first = unpacked(self.frames[0].filters, self.about["filters"])
            columns = 3 if len(first) == 6 else 4 if len(first) <= 16 else 8
            plots.maps(first, columns=columns, signed=True, ax=right, label="weight")
            right.set_title("filters before training")
            return drawing.small_png(figure, dpi=72)

    def _curve(self) -> list:
        return [
            [frame.step, frame.loss if math.isfinite(frame.loss) else None, frame.right]
            for frame in self.frames  # JSON has no NaN
        ]

    def send_curve(self) -> None:
        """Give the page the curve so far, and the filters of now."""
        with self.hold_sync():
            self.curve, self.now = self._curve(), self.frames[-1].filters
        self._sent = time.monotonic()

    def _frame(self) -> Frame:
        device = self._layer.weight.device
        x, y = self._batch[0].to(device), self._batch[1].to(device)
        self._batch = x, y
        with networks.evaluating(self._model):
            z = networks.logits(self._model, x)  # (digits, classes)
            loss = F.cross_entropy(z, y).item()
            right = int((z.argmax(dim=1) == y).sum())
            chances = z.softmax(dim=1).nan_to_num().float().cpu()
            return Frame(self._step, loss, right, chances, packed(pictures(self._layer)))


def first_layer(model: nn.Module) -> nn.Conv2d | nn.Linear:
    """The first layer of a model, whose weights can be looked at as pictures."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            return layer
        if isinstance(layer, nn.Linear):
            if round(layer.in_features**0.5) ** 2 == layer.in_features:
                return layer
            raise ValueError(
                f"the first layer has {layer.in_features} inputs; only the weights of a square "
                "picture, as 784 or 1024, can be shown as one."
            )
    raise ValueError("the model has no Conv2d and no Linear layer, so no filters to show.")


def pictures(layer: nn.Conv2d | nn.Linear) -> torch.Tensor:
    """The weights of a layer's first units as pictures, float32 (K, H, W), on the CPU.

    Of a convolution up to 32 kernels, over the first channel; of a fully connected layer up to
    16 units, each value the mean of 2 × 2 weights where sides are even and above 16.
    """
    weight = layer.weight.detach()
    if isinstance(layer, nn.Conv2d):
        return weight[:32, 0].float().cpu()
    side = round(layer.in_features**0.5)
    rows = weight[:16].view(-1, 1, side, side).float()  # (K, H · W) -> (K, 1, H, W)
    return (F.avg_pool2d(rows, 2) if _pooled(layer) else rows)[:, 0].cpu()


def _pooled(layer: nn.Conv2d | nn.Linear) -> bool:
    side = round(layer.in_features**0.5) if isinstance(layer, nn.Linear) else 0
    return side > 16 and side % 2 == 0


def packed(values: torch.Tensor) -> bytes:
    """Values as the largest size, little-endian float32, and a signed byte each: size / 127."""
    top = values.abs().max().nan_to_num().item() or 1.0
    return struct.pack("<f", top) + (values / top * 127).round().to(torch.int8).numpy().tobytes()


def unpacked(content: bytes, shape: list[int]) -> torch.Tensor:
    """What `packed` has packed, within half a step of 1/127 of the largest."""
    (top,) = struct.unpack("<f", content[:4])
    return torch.frombuffer(bytearray(content[4:]), dtype=torch.int8).view(shape) * (top / 127)


def stubborn(right: torch.Tensor) -> int:
    """Which digit was wrong in the most frames, the first one of several: bool (frames, digits)."""
    return int((~right).sum(dim=0).argmax())


def learned_at(steps: list[int], answers: list[int], label: int) -> int | None:
    """The first step from which on the answers are right; None if the last one is wrong."""
    last_wrong = max((i for i, answer in enumerate(answers) if answer != label), default=-1)
    return steps[last_wrong + 1] if last_wrong + 1 < len(steps) else None


def question_about(
    steps: list[int], answers: list[int], label: int, classes: Sequence[str]
) -> dict:
    """The question about one digit, for `predict` of frame.js; none if it was never misread.

    steps: of the frames. answers: what the network took the digit for in each. label: what it is.
    """
    mistakes = Counter(answer for answer in answers if answer != label)
    if not mistakes:
        return {}
    (taken, times), name = mistakes.most_common(1)[0], classes[label]
    equals = {other for other, count in mistakes.items() if count == times and other != taken}
    learned = learned_at(steps, answers, label)
    if learned is None:
        end = f"at the end it is taken for {classes[answers[-1]]}"
    else:
        end = f"from step {learned} on it is read as {name}"
    return {
        "question": f"This image, class {name}, was misread longest of them all. {QUESTION}",
        "choices": [other for k, other in enumerate(classes) if k != label and k not in equals],
        "solution": classes[taken],
        "explain": f"In {times} of {len(answers)} frames; {end}.",
    }
