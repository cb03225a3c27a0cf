"""The convolution stepper: a window slides over an image, and every sum can be looked at."""

import torch
import traitlets
from torch.nn import functional as F

from . import drawing, sizes
from .base import Stepper, bundle

STEP_EDGE = [[0, 0, 0, 1, 1, 1]] * 6
UPRIGHT = [[-1, 0, 1]] * 3
NAMES = ("image", "kernel", "stride", "padding", "bias")


class ConvolutionStepper(Stepper):
    """Slide a kernel over a small image, one output at a time.

    image: (H, W), or (C, H, W) with up to three channels, sides up to 12. kernel: (h, w), or
    (C, h, w) with a slice for each channel, sides up to 5. flip: lay the kernel on turned by
    half, as a convolution in mathematics does.

    What the learner changes in the page can be read, and set, by the same names; `output` is
    what torch makes of it.

    Raises ValueError for what is not numbers, does not fit together, or is too large to show.
    """

    _esm = bundle("convolution.js")

    image = traitlets.Any().tag(sync=True)
    kernel = traitlets.Any().tag(sync=True)
    stride = traitlets.Any().tag(sync=True)
    padding = traitlets.Any().tag(sync=True)
    bias = traitlets.Any().tag(sync=True)
    flip = traitlets.Bool().tag(sync=True)

    def __init__(
        self,
        image: object = STEP_EDGE,
        kernel: object = UPRIGHT,
        *,
        stride: int = 1,
        padding: int = 0,
        bias: float = 0,
        flip: bool = False,
    ) -> None:
        state = checked(image, kernel, stride, padding, bias)
        super().__init__(**state, flip=flip, start={**state, "flip": flip})

    @traitlets.validate(*NAMES)
    def _fits(self, proposal: dict) -> object:
        name, state = self._proposed(NAMES, proposal)
        return checked(**state)[name]

    @property
    def output(self) -> torch.Tensor:
        """The output, (H', W'), in float64."""
        image = torch.tensor(self.image, dtype=torch.float64)
        kernel = torch.tensor(self.kernel, dtype=torch.float64)
        if self.flip:
            kernel = kernel.flip(1, 2)
        bias = torch.tensor([self.bias], dtype=torch.float64)
        return F.conv2d(image[None], kernel[None], bias, self.stride, self.padding)[0, 0]

    def arithmetic(self) -> str:
        return drawing.lines("output", self.output)

    def picture(self) -> bytes:
        """The image with its first window, the kernel, and the output with question marks."""
        image = F.pad(torch.tensor(self.image), 4 * [self.padding])
        kernel = torch.tensor(self.kernel)
        images, kernels = [], []
        for c, (pixels, weights) in enumerate(zip(image, kernel, strict=True)):
            name = f" {c}" if len(image) > 1 else ""
            window = tuple(weights.shape)
            images.append(drawing.Panel(f"image{name}", pixels, "grey", window))
            kernels.append(drawing.Panel(f"kernel{name}", weights, "signed"))
        output = drawing.Panel("output", torch.full_like(self.output, float("nan")), "signed")
        rows = [[*images, *kernels, output]] if len(image) == 1 else [[*images, output], kernels]
        return drawing.png(rows, self.question)

    @property
    def question(self) -> str:
        """What is asked first, in the page as in the picture."""
        return f"with stride {self.stride}, what is the first row of the output?"


def checked(image: object, kernel: object, stride: object, padding: object, bias: object) -> dict:
    """The same as lists and numbers, (C, H, W) and (C, h, w); ValueError for what cannot be."""
    image, kernel = drawing.stack(image, "image", 12), drawing.stack(kernel, "kernel", 5)
    if len(image) > 3:
        raise ValueError(f"the image has {len(image)} channels; up to 3 can be shown.")
    if len(image) != len(kernel):
        raise ValueError(
            f"channels: {len(image)}, slices of the kernel: {len(kernel)}; "
            "each channel needs a slice."
        )
    stride = drawing.whole(stride, "stride", at_least=1)
    padding = drawing.whole(padding, "padding", at_least=0)
    if problem := sizes.padding_problem(padding):
        raise ValueError(f"{problem}.")
    for side, window in zip(image.shape[1:], kernel.shape[1:], strict=True):
        if problem := sizes.size_problem(side, window, stride, padding, sizes.CONVOLUTION):
            raise ValueError(f"{problem}.")
    return {
        "image": image.tolist(),
        "kernel": kernel.tolist(),
        "stride": stride,
        "padding": padding,
        "bias": drawing.number(bias, "bias"),
    }
