"""The page's arithmetic against torch, in Chromium: at most 1e-4 apart, whatever the sizes."""

import random

import pytest
import torch
from torch.nn import functional as F

from course_utils.views.bundler import gather

#: Calls functions of arithmetic.js: [name, arguments] each, with tensors as { shape, data }.
CALLS = """async ([code, calls]) => {
    const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    const { default: functions } = await import(url);
    return calls.map(([name, values]) => {
        try {
            const { shape, data } = functions[name](...values);
            return { shape, data: Array.from(data, String) };
        } catch (error) {
            return { error: `${error.name}: ${error.message}` };
        }
    });
}"""


def packed(tensor):
    return {"shape": list(tensor.shape), "data": tensor.detach().flatten().tolist()}


@pytest.fixture
def in_page(page):
    def call(calls):
        code = gather("arithmetic.js") + 'export default $modules["arithmetic.js"];\n'
        answers = page.evaluate(CALLS, [code, calls])
        assert page.errors == []
        return answers

    return call


def assert_equal(answers, wanted):
    for answer, tensor in zip(answers, wanted, strict=True):
        assert "error" not in answer, answer
        assert answer["shape"] == list(tensor.shape)
        # As texts, as JSON knows neither NaN nor infinity.
        values = torch.tensor([float(value) for value in answer["data"]]).reshape(tensor.shape)
        torch.testing.assert_close(values, tensor.float(), rtol=0, atol=1e-4, equal_nan=True)


def test_convolution(in_page):
    torch.manual_seed(0)
    draw, calls, wanted = random.Random(0), [], []
    for number in range(200):
        inputs, outputs = draw.randint(1, 6), draw.randint(1, 4)
        size = [draw.randint(1, 5), draw.randint(1, 5)]
        stride = [draw.randint(1, 4), draw.randint(1, 4)]
        padding = [draw.randint(0, 3), draw.randint(0, 3)]
        x = torch.randn(inputs, draw.randint(5, 13), draw.randint(5, 13))
        weight, bias = torch.randn(outputs, inputs, *size), torch.randn(outputs)
        bias = None if number % 5 == 0 else bias
        options = {"weight": packed(weight), "bias": None if bias is None else bias.tolist()}
        calls.append(["conv2d", [packed(x), {**options, "stride": stride, "padding": padding}]])
        wanted.append(F.conv2d(x[None], weight, bias, stride, padding)[0])
    assert_equal(in_page(calls), wanted)


def pools():
    """200 random windows: overlapping ones, gaps, padding, and maps with many ties."""
    torch.manual_seed(1)
    draw = random.Random(1)
    for number in range(200):
        size = [draw.randint(1, 4), draw.randint(1, 4)]
        stride = [draw.randint(1, 4), draw.randint(1, 4)]
        padding = [draw.randint(0, side // 2) for side in size]
        shape = (draw.randint(1, 3), draw.randint(4, 11), draw.randint(4, 11))
        x = torch.randn(shape) if number % 2 else torch.randint(-1, 2, shape).float()
        yield x, size, stride, padding


@pytest.mark.parametrize("name", ["max", "avg"])
def test_pooling_forward_and_backward(in_page, name):
    calls, wanted = [], []
    for x, size, stride, padding in pools():
        x.requires_grad_()
        y = getattr(F, f"{name}_pool2d")(x, size, stride, padding)
        dy = torch.randn(y.shape)
        y.backward(dy)
        options = {"size": size, "stride": stride, "padding": padding}
        calls.append([f"{name}Pool2d", [packed(x), options]])
        calls.append([f"{name}Pool2dBackward", [packed(x), packed(dy), options]])
        wanted += [y.detach(), x.grad]
    assert_equal(in_page(calls), wanted)


def test_ties_go_to_the_first_and_nan_wins_as_in_torch(in_page):
    nan = float("nan")
    rows = [[0.0, 0, 0, 0], [2, 2, -1, -1], [nan, 1, 5, 5], [3, nan, nan, 5]]
    calls, wanted = [], []
    for size, stride in [(2, 2), (2, 1), (3, 1), (4, 4)]:
        x = torch.tensor([rows], requires_grad=True)
        y = F.max_pool2d(x, size, stride)
        y.backward(torch.ones_like(y))
        options = {"size": [size, size], "stride": [stride, stride]}
        ones = packed(torch.ones_like(y))
        calls.append(["maxPool2d", [packed(x), options]])
        calls.append(["maxPool2dBackward", [packed(x), ones, options]])
        wanted += [y.detach(), x.grad]
    assert_equal(in_page(calls), wanted)


def test_the_other_layers(in_page):
    torch.manual_seed(2)
    calls, wanted = [], []
    for number in range(200):
        inputs, outputs, channels = 1 + number % 37, 1 + number % 11, 1 + number % 4
        v, weight, bias = (torch.randn(size) for size in [(inputs,), (outputs, inputs), (outputs,)])
        x = torch.randn(channels, 3, 5)
        norm = torch.nn.BatchNorm2d(channels).eval()
        for values in (norm.running_mean, norm.weight.data, norm.bias.data):
            values.normal_()
        norm.running_var.uniform_(0.1, 3)
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        folded = {"scale": scale, "shift": norm.bias - norm.running_mean * scale}
        layer = {"weight": packed(weight), "bias": bias.tolist()}
        calls += [
            ["linear", [packed(v), layer]],
            ["relu", [packed(x)]],
            ["softmax", [packed(100 * v)]],
            ["affine", [packed(x), {name: values.tolist() for name, values in folded.items()}]],
        ]
        wanted += [
            F.linear(v, weight, bias),
            F.relu(x),
            F.softmax(100 * v, dim=0),
            norm(x[None])[0].detach(),
        ]
    assert_equal(in_page(calls), wanted)


def test_what_does_not_fit_is_said(in_page):
    x, weight = torch.ones(1, 3, 3), torch.ones(1, 1, 5, 5)
    answers = in_page(
        [
            ["conv2d", [packed(x), {"weight": packed(weight)}]],
            ["maxPool2d", [packed(x), {"size": [4, 4]}]],
            ["linear", [packed(torch.ones(3)), {"weight": packed(torch.ones(2, 4))}]],
        ]
    )
    assert [answer["error"] for answer in answers] == [
        "RangeError: a 5×5 window does not fit into the 3×3 (padded) image",
        "RangeError: a 4×4 window does not fit into the 3×3 (padded) image",
        "RangeError: a linear layer for 4 numbers was given 3",
    ]
