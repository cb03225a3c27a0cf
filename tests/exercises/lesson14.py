"""Answers to the exercises of lesson 14, right ones and wrong ones by code."""


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
        "starts-from-zero": loop("r += (k - 1) * j", "j *= s", start="r, j = 0, 1"),
        "last-stride-only": loop("r += (k - 1) * j", "j = s"),
        "whole-kernel": [
            loop("r += k * j", "j *= s"),
            loop("r += k * j", "j *= s", start="r, j = 0, 1"),
        ],
        "different": [
            loop("r *= k"),
            loop("r += (k - 1) * j", "j += s"),
            loop("r += (k - 1) * j", "j *= s").replace("    return r", "    return None"),
            loop("r += (k - 1) * j", "j *= s").replace("return r", "return [r, j]"),
            "field = 32",
        ],
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
        "only-for-channels": block(GOOD, shortcut=IDENTITY.replace(" or stride != 1", "")),
        "relu-before-sum": [
            block(f"self.p(x) + {RELU}(self.b({RELU}(self.a(x))))"),
            block(f"self.p(x) + {RELU}(self.b({RELU}(self.a(x))))", norm=True),
            block(f"{RELU}(self.p(x) + {RELU}(self.b({RELU}(self.a(x)))))"),
        ],
        "relu-missing": [
            block(f"self.p(x) + self.b({RELU}(self.a(x)))"),
            block(f"self.p(x) + self.b({RELU}(self.a(x)))", norm=True),
        ],
        "relu-missing-inside": block(f"{RELU}(self.p(x) + self.b(self.a(x)))"),
        "no-shortcut": block(f"{RELU}(self.b({RELU}(self.a(x))))"),
        "different": [
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
        ],
    },
    "check_stack_weights": {
        "channels-once": "def stack_weights(c, side):\n    return (side - 1) // 2 * 9 * c",
        "side-over-three": [
            "def stack_weights(c, side):\n    return side // 3 * 9 * c**2",
            "def stack_weights(c, side):\n    return side / 3 * 9 * c**2",
            "def stack_weights(c, side):\n    return -(-side // 3) * 9 * c**2",
        ],
        "one-layer-too-many": "def stack_weights(c, side):\n    return (side + 1) // 2 * 9 * c**2",
        "biases-counted": "stack_weights = lambda c, side: (side - 1) // 2 * c * (9 * c + 1)",
        "one-layer": "def stack_weights(c, side):\n    return 9 * c**2",
        "one-large-kernel": "def stack_weights(c, side):\n    return side**2 * c**2",
        "different": ["def stack_weights(c, side):\n    return c + side", "stack_weights = 110592"],
        "raised": "def stack_weights(c, side):\n    return layers * 9 * c**2",
    },
}
