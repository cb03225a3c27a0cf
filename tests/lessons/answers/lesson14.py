"""Answers to the exercises of lesson 14, right ones and wrong ones by code."""

import torch


def loop(*lines: str, start: str = "r, j = 1, 1") -> str:
    """A field(layers) with these lines in its loop over (k, s)."""
    inner = "".join(f"        {line}\n" for line in lines)
    return f"def field(layers):\n    {start}\n    for k, s in layers:\n{inner}    return r\n"


CONV_1 = "nn.Conv2d(channels_in, channels_out, 3, stride, padding=1)"
CONV_2 = "nn.Conv2d(channels_out, channels_out, 3, padding=1)"
PROJECTION = "nn.Conv2d(channels_in, channels_out, 1, stride, bias=False)"
WHERE = "channels_in != channels_out or stride != 1"
IDENTITY = f"{PROJECTION} if {WHERE} else nn.Identity()"


def block(
    forward: str, *, shortcut: str = IDENTITY, norm: bool = False, conv_2: str = CONV_2
) -> str:
    """A my_block whose forward, a few lines or one expression, uses self.a, self.b and self.p."""
    a, b, p = CONV_1, conv_2, shortcut
    if norm:
        a, b = (f"nn.Sequential({c}, nn.BatchNorm2d(channels_out))" for c in (a, b))
        p = f"nn.Sequential({PROJECTION}, nn.BatchNorm2d(channels_out))"
    lines = forward if "return" in forward else f"return {forward}"
    return "\n".join(
        [
            "class my_block(nn.Module):",
            "    def __init__(self, channels_in, channels_out, stride=1):",
            "        super().__init__()",
            f"        self.a = {a}",
            f"        self.b = {b}",
            f"        self.p = {p}",
            "    def forward(self, x):",
            *(f"        {line}" for line in lines.splitlines()),
        ]
    )


RELU = "torch.relu"
SLICED = (
    f"s = self.a.stride[0]\nreturn {RELU}(self.p(x[:, :, ::s, ::s]) + self.b({RELU}(self.a(x))))"
)
GOOD = f"{RELU}(self.p(x) + self.b({RELU}(self.a(x))))"

RIGHT = {
    "check_field": [
        loop("r += (k - 1) * j", "j *= s"),
        loop("r, j = r + (k - 1) * j, j * s").replace("return r", "return torch.tensor(r)"),
        loop("r = r + (k - 1) * j", "j = j * s").replace("return r", "return np.array([r])"),
        # backwards: how many units of the layer before does one unit see?
        "def field(layers):\n    r = 1\n    for k, s in reversed(layers):\n"
        "        r = (r - 1) * s + k\n    return float(r)",
        "def field(layers):\n    strides = [s for k, s in layers]\n"
        "    return 1 + sum((k - 1) * np.prod(strides[:i], dtype=int)"
        " for i, (k, s) in enumerate(layers))",
    ],
    "check_my_block": [
        block(GOOD),
        block(GOOD, norm=True),
        block(GOOD, shortcut=PROJECTION),
        block("y = torch.relu(self.a(x))\ny = self.b(y)\ny += self.p(x)\nreturn y.relu_()"),
        # averaged first, then projected
        block(
            GOOD,
            shortcut="nn.Sequential(nn.AvgPool2d(stride), nn.Conv2d(channels_in, channels_out, 1))",
        ),
        block(
            GOOD,
            shortcut="nn.Sequential(nn.MaxPool2d(stride), nn.Conv2d(channels_in, channels_out, 1))",
        ),
        # sliced first, then projected; pooled, where only the side changes
        block(SLICED, shortcut="nn.Conv2d(channels_in, channels_out, 1)"),
        block(
            GOOD,
            shortcut=f"nn.AvgPool2d(stride) if channels_in == channels_out else {PROJECTION}",
        ),
        # other normalisations, in other places
        block(GOOD, conv_2=f"nn.Sequential({CONV_2}, nn.BatchNorm2d(channels_out, eps=0.5))"),
        block(GOOD, conv_2=f"nn.Sequential({CONV_2}, nn.GroupNorm(1, channels_out))"),
        block(
            GOOD,
            conv_2=f"nn.Sequential(nn.InstanceNorm2d(channels_out, affine=True), {CONV_2})",
        ),
        # layers in a dictionary that registers them; ReLU written out
        block(
            "y = self.b['first'](x)\ny = y * (y > 0)\n"
            "return (self.p(x) + self.b['second'](y)).clamp(min=0)",
            conv_2=f"nn.ModuleDict(dict(first={CONV_1}, second={CONV_2}))",
        ).replace(f"self.a = {CONV_1}", "self.a = None"),
        # weights without layers
        """
class my_block(nn.Module):
    def __init__(self, channels_in, channels_out, stride):
        super().__init__()
        self.stride = stride
        self.first = nn.Parameter(torch.randn(channels_out, channels_in, 3, 3) / 10)
        self.second = nn.Parameter(torch.randn(channels_out, channels_out, 3, 3) / 10)
        self.third = nn.Parameter(torch.randn(channels_out, channels_in, 1, 1))

    def forward(self, x):
        conv = nn.functional.conv2d
        y = conv(x, self.first, stride=self.stride, padding=1).relu()
        y = conv(y, weight=self.second, padding="same")
        return torch.maximum(y + conv(x, self.third, None, self.stride), torch.tensor(0.0))
""",
        # no weights: every second pixel, and maps of zeros
        block(
            "y = x[:, :, ::self.a.stride[0], ::self.a.stride[0]]\n"
            "more = self.a.out_channels - x.shape[1]\n"
            "y = nn.functional.pad(y, (0, 0, 0, 0, 0, more))\n"
            "return torch.relu(y + self.b(torch.relu(self.a(x))))",
            shortcut="None",
        ),
        """
from torchvision.models.resnet import BasicBlock
def my_block(channels_in, channels_out, stride):
    down = None
    if channels_in != channels_out or stride > 1:
        down = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 1, stride), nn.BatchNorm2d(channels_out)
        )
    return BasicBlock(channels_in, channels_out, stride, down)
""",
    ],
    "check_stack_weights": [
        "def stack_weights(channels, side):\n    return (side - 1) // 2 * 9 * channels**2",
        "def stack_weights(channels, side):\n    return (side - 1) / 2 * 9 * channels**2",
        "stack_weights = lambda c, r: torch.tensor((r // 2) * 9 * c * c)",
        """
def stack_weights(channels, side):
    total, seen = 0, 1
    while seen < side:
        total += nn.Conv2d(channels, channels, 3, bias=False).weight.numel()
        seen += 2
    return total
""",
    ],
}

WRONG = {
    "check_field": {
        "stride-ignored": [
            loop("r += k - 1"),
            loop("r += k - 1", start="r = 0"),
            "def field(layers):\n    return 1 + sum(k - 1 for k, s in layers)",
        ],
        "own-stride-included": [
            loop("j *= s", "r += (k - 1) * j"),
            loop("j = j * s", "r = r + (k - 1) * j", start="r, j = 0, 1"),
        ],
        "starts-from-zero": [
            loop("r += (k - 1) * j", "j *= s", start="r, j = 0, 1"),
            loop("r += (k - 1) * j", "j *= s").replace("return r", "return r - 1"),
        ],
        "pairs-swapped": [
            loop("r += (k - 1) * j", "j *= s").replace("for k, s", "for s, k"),
            loop("r = r + (s - 1) * j", "j = j * k"),
        ],
        "jump-no-product": [
            loop("r += (k - 1) * j", "j += s"),
            loop("r += (k - 1) * j", "j = s"),
            "def field(layers):\n    r = layers[0][0]\n"
            "    for (_, s), (k, _) in zip(layers, layers[1:]):\n"
            "        r += (k - 1) * s\n    return r",
        ],
        "whole-kernel": [
            loop("r += k * j", "j *= s"),
            loop("r += k * j", "j *= s", start="r, j = 0, 1"),
        ],
        "different": [
            loop("r *= k"),
            loop("r += (k - 1) * j", "if k > 1: j *= s"),
            "field = 32",
        ],
        "none": loop("r += (k - 1) * j", "j *= s").replace("    return r", "    return None"),
        "shape": loop("r += (k - 1) * j", "j *= s").replace("return r", "return [r, j]"),
        "raised": loop("r += (kernel - 1) * j", "j *= s"),
    },
    "check_my_block": {
        "no-projection": [
            block(GOOD, shortcut="nn.Identity()"),
            block(GOOD.replace("self.p(x)", "x")),
            # forgets that the number of maps may become smaller
            block(GOOD, shortcut=IDENTITY.replace("!= channels_out", "< channels_out")),
        ],
        "stride-not-in-projection": [
            block(GOOD, shortcut=IDENTITY.replace("stride,", "1,")),
            block(GOOD, shortcut=PROJECTION.replace("stride,", "1,")),
        ],
        "only-for-channels": [
            block(GOOD, shortcut=IDENTITY.replace(" or stride != 1", "")),
            block(
                GOOD,
                shortcut="nn.Sequential(nn.MaxPool2d(stride), "
                "nn.Conv2d(channels_in, channels_out, 1)) "
                "if channels_in != channels_out else nn.Identity()",
            ),
        ],
        "relu-before-sum": [
            block(f"self.p(x) + {RELU}(self.b({RELU}(self.a(x))))"),
            block(f"self.p(x) + {RELU}(self.b({RELU}(self.a(x))))", norm=True),
            block(f"{RELU}(self.p(x) + {RELU}(self.b({RELU}(self.a(x)))))"),
        ],
        "relu-missing": [
            block(f"self.p(x) + self.b({RELU}(self.a(x)))"),
            block(f"self.p(x) + self.b({RELU}(self.a(x)))", norm=True),
        ],
        "relu-missing-inside": [
            block(f"{RELU}(self.p(x) + self.b(self.a(x)))"),
            block(f"{RELU}(self.p(x) + self.b(self.a(x)))", norm=True),
        ],
        "no-shortcut": [
            block(f"{RELU}(self.b({RELU}(self.a(x))))"),
            block(f"{RELU}(0 * self.p(x) + self.b({RELU}(self.a(x))))"),
        ],
        "not-registered": [
            block(
                f"{RELU}(self.p(x) + self.b[1]({RELU}(self.b[0](x))))",
                conv_2=f"[{CONV_1}, {CONV_2}]",
            ),
            block(GOOD, shortcut=f"lambda x, p={PROJECTION}: p(x)"),
            block(
                f"b = nn.Conv2d(len(self.b.bias), len(self.b.bias), 3, padding=1)\n"
                f"return {RELU}(self.p(x) + b({RELU}(self.a(x))))"
            ),
        ],
        "different": [
            # activations that are no ReLU, or at other places
            block(f"{RELU}(self.p(x) + self.b(nn.functional.leaky_relu(self.a(x))))"),
            block(f"{RELU}(self.p(x) + self.b(nn.functional.relu6(self.a(x))))"),
            block(f"nn.functional.relu6(self.p(x) + self.b({RELU}(self.a(x))))"),
            block(f"nn.functional.gelu(self.p(x) + self.b({RELU}(self.a(x))))"),
            block(f"{RELU}({RELU}(self.p(x)) + self.b({RELU}(self.a(x))))"),
            block(f"{RELU}(self.p(x) + self.b({RELU}(self.a({RELU}(x)))))"),
            # one map of x added to all maps alike
            block(GOOD, shortcut=IDENTITY.replace(WHERE, "channels_in != stride or stride != 1")),
            # parts that are not trained
            block(GOOD.replace("self.p(x)", "self.p(x).detach()"), shortcut=PROJECTION),
            block(GOOD.replace("self.b(", "self.b.requires_grad_(False)(")),
            block(GOOD, shortcut="nn.Conv2d(channels_in, channels_out, stride, stride)"),
            # other sums
            block(f"{RELU}(self.p(x) * self.b({RELU}(self.a(x))))"),
            block(f"{RELU}(self.p(x) + 0.5 * self.b({RELU}(self.a(x))))"),
            block(f"{RELU}(2 * self.p(x) + self.b({RELU}(self.a(x))))"),
            # other convolutions
            block(GOOD, shortcut=PROJECTION.replace("1, stride", "3, stride, padding=1")),
            block(f"{RELU}(self.p(x) + self.b({RELU}(self.b({RELU}(self.a(x))))))"),
            block(
                GOOD,
                shortcut="nn.AvgPool2d(3, stride, 1) if channels_in == channels_out else "
                + PROJECTION,
            ),
            """
class my_block(nn.Module):
    def __init__(self, channels_in, channels_out, stride):
        super().__init__()
        self.a = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.b = nn.Conv2d(channels_out, channels_out, 3, stride, padding=1)
        self.p = nn.Conv2d(channels_in, channels_out, 1, stride)
    def forward(self, x):
        return torch.relu(self.p(x) + self.b(torch.relu(self.a(x))))
""",
            "my_block = nn.ReLU()",
            "my_block = lambda channels_in, channels_out, stride: 5",
            block(GOOD).replace("3, stride", "3, 1").replace("1, stride", "1, 1"),
            block(GOOD, conv_2="nn.Conv2d(channels_out, channels_out, 1)"),
            block(f"{RELU}(self.p(x) - self.b({RELU}(self.a(x))))"),
            block("return None"),
        ],
        "raised": [
            block(GOOD.replace("self.p", "self.shortcut")),
            block(GOOD, conv_2="nn.Conv2d(channels_in, channels_out, 3, padding=1)"),
            block(GOOD, conv_2=f"nn.Sequential({CONV_2}, nn.BatchNorm2d(channels_in))"),
            # errors of size that are not the shortcut's fault
            block(GOOD, conv_2="nn.Conv2d(channels_out, channels_out, 3)"),
            block(GOOD, shortcut="nn.Conv2d(channels_in, channels_out, 1, padding=1)"),
            block(GOOD).replace("3, stride, padding=1", "3, 2, padding=1"),
        ],
    },
    "check_stack_weights": {
        "channels-once": [
            "def stack_weights(c, side):\n    return (side - 1) // 2 * 9 * c",
            "stack_weights = lambda c, side: side // 2 * nn.Conv2d(1, c, 3).weight.numel()",
        ],
        "side-over-three": [
            "def stack_weights(c, side):\n    return side // 3 * 9 * c**2",
            "def stack_weights(c, side):\n    return side / 3 * 9 * c**2",
            "def stack_weights(c, side):\n    return -(-side // 3) * 9 * c**2",
        ],
        "one-layer-too-many": [
            "def stack_weights(c, side):\n    return (side + 1) // 2 * 9 * c**2",
            "def stack_weights(c, side):\n    return len(range(1, side + 1, 2)) * 9 * c**2",
        ],
        "biases-counted": [
            "stack_weights = lambda c, side: (side - 1) // 2 * c * (9 * c + 1)",
            "def stack_weights(c, side):\n    layer = nn.Conv2d(c, c, 3)\n"
            "    return side // 2 * sum(w.numel() for w in layer.parameters())",
        ],
        "one-large-kernel": [
            "def stack_weights(c, side):\n    return side**2 * c**2",
            "stack_weights = lambda c, side: nn.Conv2d(c, c, side, bias=False).weight.numel()",
        ],
        "only-where": "def stack_weights(c, side):\n    return 9 * c**2",
        "different": ["def stack_weights(c, side):\n    return c + side", "stack_weights = 110592"],
        "raised": "def stack_weights(c, side):\n    return layers * 9 * c**2",
    },
}


def _field(field, rng):
    return field([tuple(map(int, rng.integers(1, 6, size=2))) for _ in range(rng.integers(1, 8))])


def _my_block(my_block, rng):
    """What a block gives, whatever its biases and its normalisation: 1 × 1 weights that keep x."""
    sizes = (*(int(n) for n in rng.integers(1, 7, size=2)), int(rng.integers(1, 3)))
    model = my_block(*sizes).eval()
    for name, weights in model.named_parameters():
        if weights.ndim == 1:
            torch.nn.init.constant_(weights, 0 if "bias" in name else 1)
        elif weights.shape[-1] == 1:
            torch.nn.init.dirac_(weights)
        else:
            weights.data = torch.tensor(rng.normal(size=weights.shape), dtype=torch.float32)
    return model(torch.tensor(rng.normal(size=(2, sizes[0], 8, 6)), dtype=torch.float32))


def _stack_weights(stack_weights, rng):
    return stack_weights(int(rng.integers(1, 99)), 2 * int(rng.integers(1, 15)) + 1)


#: What an answer does on one random sample. A mutant that does the same is no wrong answer.
BEHAVIOUR = {
    "check_field": _field,
    "check_my_block": _my_block,
    "check_stack_weights": _stack_weights,
}
RESULT_AS_IT_IS = ["check_my_block"]
