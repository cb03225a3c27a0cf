"""Answers to the exercises of lesson 09, right ones and wrong ones by code."""

import torch
from torch import nn
from torch.nn import functional as F

from course_utils.models import LeNet


def network(*layers: str) -> str:
    """A my_lenet that returns a Sequential of these layers."""
    return f"def my_lenet():\n    return nn.Sequential({', '.join(layers)})"


CONV_1, CONV_2 = "nn.Conv2d(1, 6, 5)", "nn.Conv2d(6, 16, kernel_size=(5, 5))"
RELU, POOL, FLAT = "nn.ReLU()", "nn.MaxPool2d(2)", "nn.Flatten()"
FC_1, FC_2, FC_3 = "nn.Linear(400, 120)", "nn.Linear(120, 84)", "nn.Linear(84, 10)"
HEAD = (FLAT, FC_1, RELU, FC_2, RELU, FC_3)
WHOLE = (CONV_1, RELU, POOL, CONV_2, RELU, POOL, *HEAD)


def with_forward(*lines: str) -> str:
    return "\n".join(
        [
            "from torch.nn import functional as F",
            "class my_lenet(nn.Module):",
            "    def __init__(self):",
            "        super().__init__()",
            f"        self.conv1, self.conv2 = {CONV_1}, {CONV_2}",
            f"        self.fc1, self.fc2, self.fc3 = {FC_1}, {FC_2}, {FC_3}",
            "    def forward(self, x):",
            *(f"        {line}" for line in lines),
        ]
    )


def frozen(*lines: str) -> str:
    return "\n".join(["def freeze(model):", *(f"    {line}" for line in lines)])


SGD = "return torch.optim.SGD({}, lr=0.1, weight_decay=0.1)"

RIGHT = {
    "check_my_lenet": [
        network(*WHOLE),
        network(*WHOLE).replace("ReLU", "Tanh").replace("Max", "Avg"),
        network(CONV_1, POOL, RELU, CONV_2, POOL, RELU, *HEAD),
        network(CONV_1, "nn.AvgPool2d(2)", RELU, CONV_2, "nn.AvgPool2d(2)", RELU, *HEAD),
        network(*WHOLE).replace("ReLU", "Mish"),
        network(*WHOLE).replace("ReLU()", "LeakyReLU(0.1)"),
        network(*WHOLE).replace("ReLU", "Softsign"),
        network(*WHOLE).replace("ReLU", "Hardswish"),
        network(*WHOLE).replace("ReLU()", "ELU(0.5, inplace=True)"),
        network(*WHOLE).replace("ReLU", "PReLU"),
        network(CONV_1, "nn.PReLU(6)", POOL, CONV_2, "nn.PReLU(16)", POOL, *HEAD).replace(
            RELU, "nn.PReLU()"
        ),
        network(*WHOLE).replace("ReLU", "Hardtanh"),
        network(*WHOLE).replace("ReLU", "Softshrink"),
        "class Paper(nn.Module):\n    def forward(self, x):\n"
        "        return 1.7159 * torch.tanh(2 * x / 3)\n"
        + network(*WHOLE).replace("nn.ReLU()", "Paper()").replace("Max", "Avg"),
        "layers = nn.ModuleList([" + ", ".join(WHOLE) + "])\n"
        "class my_lenet(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.layers = layers\n    def forward(self, x):\n"
        "        for layer in self.layers:\n            x = layer(x)\n        return x\n",
        with_forward(
            "x = F.max_pool2d(torch.relu(self.conv1(x)), 2)",
            "x = F.max_pool2d(F.relu(self.conv2(x)), (2, 2))",
            "x = x.view(-1, 16 * 5 * 5)",
            "x = F.relu(self.fc1(x))",
            "return self.fc3(F.relu(self.fc2(x)))",
        ),
        network(*WHOLE).replace("Linear(400, ", "LazyLinear("),
        with_forward(
            "x = F.avg_pool2d(torch.tanh(self.conv1(x)), 2)",
            "x = F.avg_pool2d(torch.tanh(self.conv2(x)), 2).flatten(1)",
            "return self.fc3(torch.tanh(self.fc2(torch.tanh(self.fc1(x)))))",
        ).replace(
            f"        self.conv1, self.conv2 = {CONV_1}, {CONV_2}\n"
            f"        self.fc1, self.fc2, self.fc3 = {FC_1}, {FC_2}, {FC_3}\n",
            f"        self.fc3, self.fc2, self.fc1 = {FC_3}, {FC_2}, {FC_1}\n"
            f"        self.conv2, self.conv1 = {CONV_2}, {CONV_1}\n",
        ),
        "from course_utils.models import LeNet as my_lenet",
        "from course_utils.models import LeNet\nmy_lenet = LeNet()",
    ],
    "check_shapes": [
        "shapes = [(64, 6, 26, 26), (64, 6, 13, 13), (64, 16, 9, 9), (64, 16, 4, 4), (64, 256)]",
        "shapes = [[64, 6, 26, 26], [64, 6, 13, 13], [64, 16, 9, 9], [64, 16, 4, 4], [64, 256]]",
        """
x, shapes = torch.zeros(64, 1, 30, 30), []
layers = [nn.Conv2d(1, 6, 5), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2)]
for layer in [*layers, nn.Flatten()]:
    x = layer(x)
    shapes.append(x.shape)
""",
        """
sides, flat = np.array([26, 13, 9, 4]), torch.tensor([64, 256])
shapes = [np.array([64, c, s, s]) for c, s in zip([6, 6, 16, 16], sides)] + [flat]
shapes = iter(shapes)
""",
    ],
    "check_freeze": [
        frozen("model.features.requires_grad_(False)", SGD.format("model.classifier.parameters()")),
        frozen(SGD.format("model.classifier.parameters()")),
        frozen(
            "for p in model.features.parameters():",
            "    p.requires_grad = False",
            SGD.format("[p for p in model.parameters() if p.requires_grad]"),
        ),
        frozen(
            "return torch.optim.SGD([{'params': model.features.parameters(), 'lr': 0.0, "
            "'weight_decay': 0.0}, {'params': model.classifier.parameters()}], lr=0.1, "
            "weight_decay=0.1)"
        ),
        frozen(
            "for p in model.features.parameters():",
            "    p.requires_grad, p.grad = False, None",
            SGD.format("model.parameters()"),
        ),
    ],
}

UP_TO_NINE = "shapes = [(64, 6, 26, 26), (64, 6, 13, 13), (64, 16, 9, 9), "

WRONG = {
    "check_my_lenet": {
        "no-activation": [
            network(CONV_1, POOL, CONV_2, POOL, FLAT, FC_1, FC_2, FC_3),
            network(CONV_1, RELU, POOL, CONV_2, RELU, POOL, FLAT, FC_1, FC_2, FC_3),
            network(CONV_1, RELU, POOL, CONV_2, POOL, *HEAD),
        ],
        "flatten-size": [
            network(*WHOLE).replace("400", "256"),
            network(*WHOLE).replace("6, 5)", "6, 5, padding=2)"),
            network(*(layer for layer in WHOLE if layer != FLAT)),
            with_forward(
                "x = F.max_pool2d(torch.relu(self.conv1(x)), 2)",
                "x = F.max_pool2d(F.relu(self.conv2(x)), 2).view(-1, 256)",
                "return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))",
            ),
        ],
        "not-logits": [
            network(*WHOLE, "nn.Softmax(dim=1)"),
            network(*WHOLE, "nn.LogSoftmax(dim=1)"),
            network(*WHOLE, "nn.Softmax(dim=0)"),
            network(*WHOLE, RELU),
            network(*WHOLE, "nn.Tanh()"),
        ],
        "list-of-layers": [
            f"def my_lenet():\n    return [{', '.join(WHOLE)}]",
            "class my_lenet(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            f"        self.layers = [{', '.join(WHOLE)}]\n    def forward(self, x):\n"
            "        for layer in self.layers:\n            x = layer(x)\n        return x\n",
        ],
        "different": [
            network(*WHOLE).replace("120", "100"),
            network(*WHOLE).replace("nn.MaxPool2d(2)", "nn.MaxPool2d(2), nn.Sigmoid()"),
            network(*WHOLE, "nn.Linear(10, 10)"),
            network(*WHOLE, "nn.Flatten()").replace("Max", "Avg", 1),
            network(CONV_1, RELU, POOL, CONV_2, RELU, POOL, *HEAD).replace("ReLU", "Tanh", 1),
            network(CONV_1, "nn.BatchNorm2d(6)", RELU, POOL, CONV_2, RELU, POOL, *HEAD),
            network(*WHOLE).replace("MaxPool2d(2)", "MaxPool2d(3, 2, 1)"),
            network(*WHOLE).replace(FC_2, f"nn.Dropout(), {FC_2}"),
            network(*WHOLE).replace(CONV_2, f"nn.BatchNorm2d(6, affine=False), {CONV_2}"),
            network(*WHOLE).replace("5, 5))", "5, 5), bias=False)"),
            "my_lenet = lambda: 5",
            with_forward("return x.flatten(1)[:, :10]"),
            with_forward(
                "x = F.max_pool2d(torch.relu(self.conv1(x)), 2).detach()",
                "x = F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1)",
                "return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))",
            ),
            with_forward(
                "x = F.max_pool2d(torch.relu(self.conv1(x)), 2)",
                "x = F.dropout(F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1))",
                "return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))",
            ),
        ],
        "raised": [
            network(*WHOLE).replace("nn.ReLU()", "nn.Relu()"),
            network(*WHOLE).replace("(84, 10)", "(80, 10)"),
            network(*WHOLE).replace("Conv2d(6,", "Conv2d(3,"),
        ],
    },
    "check_shapes": {
        "batch-lost": [
            "shapes = [(6, 26, 26), (6, 13, 13), (16, 9, 9), (16, 4, 4), (256,)]",
            "shapes = [(6, 26, 26), (6, 13, 13), (16, 9, 9), (16, 5, 5), (400,)]",
            UP_TO_NINE + "(64, 16, 4, 4), 256]",
            "shapes = [torch.Size([6, 28, 28]), (6, 14, 14), (16, 10, 10), (16, 5, 5), (400,)]",
        ],
        "rounded-up": [
            UP_TO_NINE + "(64, 16, 5, 5), (64, 400)]",
            UP_TO_NINE + "(64, 16, 5, 5), (64, 256)]",
        ],
        "images-of-32": [
            "shapes = [(64, 6, 28, 28), (64, 6, 14, 14), (64, 16, 10, 10), (64, 16, 5, 5), "
            "(64, 400)]",
            "shapes = [[64, 6, 28, 28], [64, 6, 13, 13], [64, 16, 9, 9], [64, 16, 4, 4], [64]]",
        ],
        "channels": [
            "shapes = [(64, 1, 26, 26), (64, 1, 13, 13), (64, 6, 9, 9), (64, 6, 4, 4), (64, 96)]",
            "shapes = [(64, 26, 26, 6), (64, 13, 13, 6), (64, 9, 9, 16), (64, 4, 4, 16), 256]",
            UP_TO_NINE + "(64, 8, 4, 4), (64, 128)]",
        ],
        "sizes": [
            UP_TO_NINE + "(64, 16, 8, 8), (64, 1024)]",
            UP_TO_NINE + "(64, 16, 4.5, 4.5), (64, 324)]",
            UP_TO_NINE + "(64, 16, 4, 4), (64, 400 - 16)]",
            "shapes = [(64, 6, 25, 25), (64, 6, 12, 12), (64, 16, 7, 7), (64, 16, 3, 3), "
            "(64, 144)]",
            "shapes = [(64, 6, 30, 30), (64, 6, 15, 15), (64, 16, 15, 15), (64, 16, 7, 7), "
            "(64, 784)]",
        ],
        "different": [
            "shapes = [(64, 6, 26, 26)]",
            "shapes = 256",
            UP_TO_NINE + "(64, 16, 4, 4), (64, 16, 4, 4)]",
            "shapes = [64, 6, 26, 26, 6]",
            "shapes = ['64, 6, 26, 26'] * 5",
        ],
    },
    "check_freeze": {
        "weight-decay": [
            frozen("model.features.requires_grad_(False)", SGD.format("model.parameters()")),
            frozen(
                "model.features.register_full_backward_pre_hook("
                "lambda m, g: tuple(torch.zeros_like(one) for one in g))",
                SGD.format("model.parameters()"),
            ),
        ],
        "not-frozen": [
            frozen(SGD.format("model.parameters()")),
            frozen(
                SGD.format(
                    "[p for n, p in model.named_parameters() if n not in "
                    "('features.0.bias', 'features.3.bias')]"
                )
            ),
            frozen(
                "model.features.required_grad = False",
                "model.features[0].weight.requires_grad_(False)",
                "model.features[3].weight.requires_grad_(False)",
                SGD.format("[p for p in model.parameters() if p.requires_grad]"),
            ),
        ],
        "classifier-still": [
            frozen(
                "model.requires_grad_(False)",
                "return torch.optim.SGD(model.parameters(), lr=0.0, weight_decay=0.1)",
            ),
            frozen("model.requires_grad_(False)", SGD.format("model.classifier.parameters()")),
            frozen("return torch.optim.SGD(model.parameters(), lr=0.0)"),
            frozen(SGD.format("model.features.parameters()")),
        ],
        "other-settings": [
            frozen("return torch.optim.SGD(model.classifier.parameters(), lr=0.1)"),
            frozen(SGD.format("model.classifier.parameters()").replace("SGD", "Adam")),
            frozen(SGD.format("model.classifier.parameters(), maximize=True")),
            frozen(SGD.format("model.classifier.parameters()").replace("lr", "momentum=0.9, lr")),
        ],
        "different": [
            frozen("model.features.requires_grad_(False)"),
            frozen(SGD.format("[*model.classifier[3:].parameters()]")),
            frozen(
                "for p in model.features.parameters():",
                "    p.data.zero_()",
                SGD.format("model.classifier.parameters()"),
            ),
            frozen(
                "model.classifier[5] = nn.Linear(84, 10)",
                SGD.format("model.classifier.parameters()"),
            ),
        ],
        "raised": frozen("model.freeze()"),
    },
}


def _my_lenet(my_lenet, rng):
    """The parameters' shapes, and what the network gives with weights drawn at random."""
    model = my_lenet().eval()
    shapes = sorted(tuple(p.shape) for p in model.parameters())
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape) * (2 / p[0].numel() if p.ndim > 1 else 1) ** 0.5)
        return str(shapes), model(torch.randn(2, 1, 32, 32))


def _freeze(freeze, rng):
    """What a step moves, and how far; the gradients are there beforehand, as after training."""
    model = LeNet()
    x, y = torch.randn(4, 1, 32, 32), torch.randint(10, (4,))
    F.cross_entropy(model(x), y).backward()
    model.zero_grad(set_to_none=False)
    optimizer = freeze(model)
    for _ in range(2):
        optimizer.zero_grad(set_to_none=False)
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    return nn.utils.parameters_to_vector(model.parameters())


_my_lenet.cheap = _freeze.cheap = False

#: What an answer does on one random sample. A mutant that does the same is no wrong answer.
BEHAVIOUR = {
    "check_my_lenet": _my_lenet,
    "check_shapes": lambda shapes, rng: str([tuple(shape) for shape in shapes]),
    "check_freeze": _freeze,
}
#: Checks of things that have one form only: a network, shapes, an optimiser.
RESULT_AS_IT_IS = ["check_my_lenet", "check_shapes", "check_freeze"]
