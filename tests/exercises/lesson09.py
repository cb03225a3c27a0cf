"""Answers to the exercises of lesson 09, right ones and wrong ones by code."""


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
            with_forward(
                "x = F.max_pool2d(torch.relu(self.conv1(x)), 2)",
                "x = F.max_pool2d(F.relu(self.conv2(x)), 2).view(-1, 256)",
                "return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))",
            ),
        ],
        "softmax-inside": [
            network(*WHOLE, "nn.Softmax(dim=1)"),
            network(*WHOLE, "nn.LogSoftmax(dim=1)"),
        ],
        "relu-at-the-end": network(*WHOLE, RELU),
        "different": [
            network(*WHOLE).replace("120", "100"),
            network(*WHOLE).replace("nn.MaxPool2d(2)", "nn.MaxPool2d(2), nn.Sigmoid()"),
            "my_lenet = lambda: 5",
            with_forward("return x.flatten(1)[:, :10]"),
            with_forward(
                "x = F.max_pool2d(torch.relu(self.conv1(x)), 2).detach()",
                "x = F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1)",
                "return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))",
            ),
        ],
        "raised": network(*WHOLE).replace("nn.ReLU()", "nn.Relu()"),
    },
    "check_shapes": {
        "batch-lost": [
            "shapes = [(6, 26, 26), (6, 13, 13), (16, 9, 9), (16, 4, 4), (256,)]",
            "shapes = [(6, 26, 26), (6, 13, 13), (16, 9, 9), (16, 5, 5), (400,)]",
            UP_TO_NINE + "(64, 16, 4, 4), 256]",
        ],
        "rounded-up": [
            UP_TO_NINE + "(64, 16, 5, 5), (64, 400)]",
            UP_TO_NINE + "(64, 16, 5, 5), (64, 256)]",
        ],
        "different": [
            UP_TO_NINE + "(64, 16, 8, 8), (64, 1024)]",
            UP_TO_NINE + "(64, 16, 4.5, 4.5), (64, 324)]",
            "shapes = [(64, 6, 26, 26)]",
            "shapes = 256",
        ],
        "raised": """
class Broken:
    def __iter__(self):
        raise ValueError("no shape")
shapes = [Broken() for _ in range(5)]
""",
    },
    "check_freeze": {
        "weight-decay": frozen(
            "model.features.requires_grad_(False)", SGD.format("model.parameters()")
        ),
        "only-bias-frozen": frozen(
            SGD.format(
                "[p for n, p in model.named_parameters() if n not in "
                "('features.0.bias', 'features.3.bias')]"
            )
        ),
        "only-weights-frozen": frozen(
            SGD.format(
                "[p for n, p in model.named_parameters() if n not in "
                "('features.0.weight', 'features.3.weight')]"
            )
        ),
        "nothing-frozen": frozen(SGD.format("model.parameters()")),
        "wrong-part": frozen(SGD.format("model.features.parameters()")),
        "all-frozen": [
            frozen(
                "model.requires_grad_(False)",
                "return torch.optim.SGD(model.parameters(), lr=0.0, weight_decay=0.1)",
            ),
            frozen("model.requires_grad_(False)", SGD.format("model.classifier.parameters()")),
            frozen("return torch.optim.SGD(model.parameters(), lr=0.0)"),
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
        ],
        "raised": frozen("model.freeze()"),
    },
}
