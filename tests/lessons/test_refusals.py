"""The functions that lessons define refuse what cannot be, and say the sizes and the rule."""

import ast

import numpy as np
import pytest
import torch
from documents import code_cells

from course_utils.lessons import LESSONS


def definitions(number: int) -> dict:
    """The functions and classes of a lesson, defined one after another with its imports."""
    names: dict = {}
    for cell in code_cells(LESSONS[number]):
        for node in ast.parse(cell.source).body:
            if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef):
                exec(compile(ast.Module([node], []), cell.id, "exec"), names)
    return names


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape)


CONV2D = [(6, name) for name in ("conv2d_loops", "conv2d_windows", "conv2d_im2col")]
REFUSED = [
    (1, "neuron", (zeros(3), zeros(2), 0.5), r"\(3,\).*\(2,\).*one weight for each input"),
    (1, "layer", (zeros(4, 2), zeros(3, 2), zeros(2)), r"\(4, 2\).*\(3, 2\).*a row for each"),
    (3, "gradient", (zeros(5), zeros(20, 5), zeros(19)), r"\(20, 5\).*\(19,\).*one target"),
    (3, "gradient", (zeros(5), zeros(20, 5), zeros(20, 1)), r"\(20, 5\).*\(20, 1\).*one target"),
    (3, "loss", (zeros(6), zeros(20, 5), zeros(20)), r"\(20, 5\).*\(6,\).*each column"),
    (4, "loss", (zeros(4, 1), zeros(4)), r"\(4, 1\).*\(4,\).*one target for each"),
    (4, "loss", (zeros(4, 1), zeros(3, 1)), r"\(4, 1\).*\(3, 1\).*one target for each"),
    (6, "output_size", (4, 7, 1, 1), r"a kernel of 7 does not fit into 4 \+ 2 · 1 = 6"),
    (6, "output_size", (28, 5, 0), "the stride is 0; it has to be at least 1"),
    *[
        (*conv2d, arguments, message)
        for conv2d in CONV2D
        for arguments, message in [
            ((zeros(1, 3, 4, 8), zeros(2, 3, 5, 5), zeros(2)), r"kernel of 5 .* 4 \+ 2 · 0 = 4"),
            ((zeros(1, 3, 8, 8), zeros(2, 3, 5, 5), zeros(2), 0), "the stride is 0"),
            ((zeros(1, 1, 8, 8), zeros(2, 3, 5, 5), zeros(2)), "channels: 1, slices .*: 3"),
            ((zeros(1, 3, 8, 8), zeros(2, 3, 5, 5), zeros(3)), "kernels: 2, biases: 3"),
        ]
    ],
    (
        6,
        "conv2d_loops_backward",
        (zeros(1, 1, 6, 6), zeros(1, 1, 3, 3), zeros(1, 1, 3, 3)),
        r"\(1, 1, 3, 3\); z has \(1, 1, 4, 4\)",
    ),
    (7, "pool", (zeros(4, 4), 5, 2, np.max), r"a kernel of 5 does not fit into 4 \+ 2 · 0 = 4"),
    (7, "pool", (zeros(4, 4), 2, 0, np.max), "the stride is 0; it has to be at least 1"),
    (7, "pool", (zeros(4, 4), 0, 2, np.max), "the window has the side 0"),
    (
        7,
        "pool_backward",
        (zeros(1, 4, 4), zeros(1, 2, 2), 3, 2, np.ones_like),
        r"\(1, 2, 2\); pooling gives \(1, 1, 1\)",
    ),
    (10, "stages", (None, zeros(1, 1, 28, 28)), r"\(N, 1, 32, 32\); these have \(1, 1, 28, 28\)"),
    (10, "occlude", (zeros(1, 1, 32, 32), 40, 0), "40 × 40 does not fit into 32 × 32"),
    (11, "standard_error", (99.3, 10_000), "accuracy lies from 0 to 1.*got 99.3 and 10000"),
    (11, "standard_error", (0.99, 0), "n is at least 1; got 0.99 and 0"),
    (11, "find_ink", (torch.full((1, 1, 48, 64), 200.0),), "no ink found: .* 0% darker.*30%"),
    (12, "early_stop", ([0.5, 0.4], 0), "2 losses, patience 0: both have to be at least 1"),
    (12, "early_stop", ([], 3), "0 losses, patience 3: both have to be at least 1"),
    (12, "flip_and_shift", (zeros(2, 1, 4, 5), 4), "4 × 5 .* by 0 to 3 pixels.*most is 4"),
    (12, "flip_and_shift", (zeros(2, 1, 4, 5), -1), "images of 4 × 5 .*most is -1"),
    (13, "output_size", (4, 7, 1, 1), r"a kernel of 7 does not fit into 4 \+ 2 · 1 = 6"),
    (13, "conv_parameters", (96, 256, 5, 3), "96 maps in and 256 out: 3 groups have to divide"),
    (13, "SmallAlexNet", ("swish",), "activation 'swish' is none of relu, tanh, sigmoid"),
    (14, "receptive_field", ([(3, 1), (3, 0)],), "kernel 3 and stride 0: both have to be at least"),
    (15, "averaged_gradient", (None, zeros(64), zeros(64), [32, 16]), "make 48.*has 64"),
    (15, "ring_all_reduce", (zeros(3, 4),), "4 numbers do not divide into 3 parts"),
]


@pytest.mark.parametrize(("number", "name", "arguments", "message"), REFUSED)
def test_what_cannot_be_is_refused(number, name, arguments, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        definitions(number)[name](*arguments)


def test_a_network_refuses_targets_of_another_length():
    network = definitions(3)["LinearNetwork"](features=5, seed=0)
    before = network.W.copy()
    with pytest.raises(ValueError, match=r"\(20, 5\).*\(19,\).*one target for each row"):
        network.train(zeros(20, 5), zeros(19), learning_rate=0.1, steps=1)
    assert np.array_equal(network.W, before)
