"""Back-propagation, step by step: every number against torch, and what keys and mouse do."""

import io
import math
import re

import numpy as np
import pytest
import torch
from browser import FAINT, live_text, put_on_stage, skip
from PIL import Image
from torch import nn

from course_utils import views
from course_utils.views.bundler import gather

X = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
Y = np.array([[0.0], [1], [1], [0]])
ORDER = ["z1", "a1", "z2", "ŷ", "L", "dŷ", "dz2", "dW2", "db2", "da1", "dz1", "dW1", "db1", "dX"]


def random_network(hidden=4, seed=0, scale=1.0):
    """As lesson 04 begins, the biases at random too."""
    rng = np.random.default_rng(seed)
    shapes = [(2, hidden), (1, hidden), (hidden, 1), (1, 1)]
    return [scale * rng.uniform(-1, 1, shape) for shape in shapes]


def of_torch(X, y, W1, b1, W2, b2, rate=8.0):
    """All that the view computes, by torch: every derivative is autograd's."""
    given = {"X": X, "W1": W1, "b1": b1, "W2": W2, "b2": b2}
    found = {name: torch.tensor(value, requires_grad=True) for name, value in given.items()}
    y = torch.tensor(y)
    z1 = found["X"] @ found["W1"] + found["b1"]
    a1 = torch.sigmoid(z1)
    z2 = a1 @ found["W2"] + found["b2"]
    y_hat = torch.sigmoid(z2)
    loss = ((y_hat - y) ** 2).mean() / 2
    found |= {"z1": z1, "a1": a1, "z2": z2, "y_hat": y_hat, "L": loss.reshape(1, 1)}
    for value in found.values():
        value.retain_grad()
    found["L"].sum().backward()
    derivatives = {f"d{name}": value.grad for name, value in found.items()}
    after = {
        name: found[name] - rate * derivatives[f"d{name}"] for name in ("W1", "b1", "W2", "b2")
    }
    numbers = {"y": y, **found, **derivatives}
    return {name: value.detach() for name, value in numbers.items()}, after


@pytest.fixture
def start():
    return random_network()


@pytest.fixture
def stage(page, start):
    put_on_stage(page, views.BackpropStepper(X, Y, *start))
    return page


def press(page, key, times=1):
    for _ in range(times):
        page.keyboard.press(key)


def traced(page):
    return page.locator(".bp-trace p").last.inner_text()


def titles(page):
    """The numbers of the graph, as they are to the last digit, by their names."""
    texts = page.locator(".bp-graph .known title").evaluate_all(
        "all => all.map(t => t.textContent)"
    )
    return {name: float(value) for name, value in (text.split(" = ") for text in texts if text)}


# --- in Python ---------------------------------------------------------------------------------


def test_its_derivatives_are_those_of_torch(start):
    numbers, _ = of_torch(X, Y, *start)
    for name, value in views.BackpropStepper(X, Y, *start).derivatives.items():
        torch.testing.assert_close(value, numbers[f"d{name}"], rtol=1e-12, atol=0)


def test_its_arithmetic_is_that_of_lesson_04():
    rng = np.random.default_rng(0)
    W1, W2 = rng.uniform(-1, 1, (2, 4)), rng.uniform(-1, 1, (4, 1))
    said = views.BackpropStepper(X, Y, W1, np.zeros((1, 4)), W2, np.zeros((1, 1))).arithmetic()
    assert said.startswith("y_hat[0, 0] = 0.5738\n") and "\nL = 0.1293\n" in said
    assert said.endswith("after a step with rate 8: L = 0.1253")


def test_numbers_of_all_kinds_are_taken(start):
    W1, b1, W2, b2 = start
    wanted = views.BackpropStepper(X, Y, *start)
    layers = [nn.Linear(2, 4).double(), nn.Linear(4, 1).double()]
    with torch.no_grad():
        for parameter, value in zip(
            [p for layer in layers for p in layer.parameters()],
            [W1.T, b1[0], W2.T, b2[0]],
            strict=True,
        ):
            parameter.copy_(torch.tensor(value))
    one, two = layers
    view = views.BackpropStepper(
        X.tolist(), torch.tensor(Y), one.weight.T, one.bias, two.weight.T, two.bias
    )
    assert [view.W1, view.b1, view.W2, view.b2] == [wanted.W1, wanted.b1, wanted.W2, wanted.b2]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"y": Y.ravel()}, r"y has one axis; \(N, 1\) is expected. Write y.reshape\(-1, 1\)"),
        ({"y": Y[:3]}, r"y has the shape \(3, 1\); \(4, 1\) is expected"),
        ({"W1": np.ones((4, 2))}, r"W1 has the shape \(4, 2\); \(2, 4\) is expected. .* give W1.T"),
        ({"W2": np.ones((1, 4))}, r"W2 has the shape \(1, 4\); .* transpose: give W2.T"),
        ({"W1": np.ones((9, 2, 4))}, r"W1 has three axes, \(9, 2, 4\)"),
        ({"b2": np.ones((2, 2))}, r"b2 has the shape \(2, 2\); \(1, 1\) is expected"),
        ({"X": np.ones((4, 3))}, r"X has the shape \(4, 3\); \(4, 2\) is expected"),
        ({"X": np.ones((5, 2))}, "the X has 5 × 2 numbers; sides up to 4"),
        ({"X": np.ones((0, 2))}, r"the X has to be \(H, W\)"),
        ({"b1": 3.0}, r"the b1 has to be \(H, W\)"),
        ({"b2": ["much"]}, "the b2 has to be rows of numbers; it holds 'much'"),
        ({"W1": np.full((2, 4), np.nan)}, "the W1 has to hold numbers from"),
    ],
)
def test_what_cannot_be_shown_is_refused(start, changed, sentence):
    given = dict(zip(["X", "y", "W1", "b1", "W2", "b2"], [X, Y, *start], strict=True))
    with pytest.raises(ValueError, match=sentence):
        views.BackpropStepper(**given | changed)


def test_too_many_hidden_units_are_refused():
    with pytest.raises(ValueError, match="the W1 has 2 × 5 numbers; sides up to 4"):
        views.BackpropStepper(X, Y, *random_network(hidden=5))
    with pytest.raises(ValueError, match="the learning rate is 'fast'"):
        views.BackpropStepper(X, Y, *random_network(), learning_rate="fast")


def test_a_refused_setting_changes_nothing(start):
    view = views.BackpropStepper(X, Y, *start)
    with pytest.raises(ValueError, match="W1 has the shape"):
        view.W1 = [[1, 2]]
    assert np.array_equal(view.W1, start[0])
    view.W1 = np.zeros((2, 4))
    assert np.array_equal(view.W1, np.zeros((2, 4)))


@pytest.mark.parametrize("hidden", [1, 2, 3, 4])
def test_without_a_page(hidden):
    data, _ = views.BackpropStepper(X, Y, *random_network(hidden))._repr_mimebundle_()
    assert len(data["image/png"]) <= 40_000
    assert Image.open(io.BytesIO(data["image/png"])).format == "PNG"
    numbers = re.findall(r"= (\S+)", data["text/plain"])
    assert numbers and all(len(re.sub(r"[-.]|e.*", "", n).lstrip("0")) <= 4 for n in numbers)


# --- the page against torch --------------------------------------------------------------------

COMPUTED = """async ([code, networks]) => {
    const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    const { default: { passes, descended } } = await import(url);
    return networks.map(([given, rate]) => {
        const net = passes(given);
        return [net, descended(net, rate)];
    });
}"""


def test_every_number_is_that_of_torch(page):
    networks, wanted = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        examples, hidden, rate = 1 + seed % 4, 1 + seed // 4 % 4, float(rng.uniform(0, 20))
        given = [rng.normal(size=(examples, 2)), rng.integers(0, 2, (examples, 1)).astype(float)]
        given += random_network(hidden, seed, scale=[1, 5, 30][seed % 3])
        names = ["X", "y", "W1", "b1", "W2", "b2"]
        rows = {name: value.tolist() for name, value in zip(names, given, strict=True)}
        networks.append([rows, rate])
        wanted.append(of_torch(*given, rate=rate))
    code = gather("backprop/network.js") + 'export default $modules["backprop/network.js"];\n'
    for answers, expected in zip(page.evaluate(COMPUTED, [code, networks]), wanted, strict=True):
        for got, numbers in zip(answers, expected, strict=True):
            assert set(got) == set(numbers)
            for name, value in numbers.items():
                found = torch.tensor(got[name], dtype=torch.float64)
                torch.testing.assert_close(found, value.detach(), rtol=1e-10, atol=1e-14)
    assert page.errors == []


def test_every_number_on_the_page_is_that_of_torch(stage, start):
    page = stage
    numbers, after = of_torch(X, Y, *start)
    numbers = {name.replace("y_hat", "ŷ"): value for name, value in numbers.items()}
    skip(page)
    for example in range(4):
        press(page, "Home")
        press(page, "[", 3)
        press(page, "]", example)
        for made in range(15):
            shown = titles(page)
            names = {re.sub(r"\[.*", "", name) for name in shown}
            assert set(ORDER[:made]) <= names and not names & set(ORDER[made:])
            for name, value in shown.items():
                quantity, *indices = re.findall(r"[^\W\d]+\d?|\d+", name)
                i, j = map(int, indices or (0, 0))
                expected = 1.0 if quantity == "dL" else numbers[quantity][i, j].item()
                assert value == pytest.approx(expected, rel=1e-10, abs=1e-14), name
                row_of_batch = quantity.removeprefix("d") in {"X", "y", "z1", "a1", "z2", "ŷ"}
                assert i == example or not row_of_batch
            if made < 14:
                press(page, "ArrowRight")
    assert len(titles(page)) == 2 * (17 + 2 + 8 + 3) + 1  # all numbers of an example, on one screen
    press(page, "ArrowRight")
    skip(page)
    shown = titles(page)
    for name, value in after.items():
        for (i, j), wanted in np.ndenumerate(value.detach().numpy()):
            assert shown[f"{name}[{i}, {j}]"] == pytest.approx(wanted, rel=1e-10)
    assert page.errors == []


def evaluated(formula):
    """The number that a formula of the page gives."""
    code = formula.replace("σ", "sigmoid").replace("²", "**2").replace("−", "-")
    code = code.replace("·", "*")
    return eval(code, {"sigmoid": lambda z: 1 / (1 + math.exp(-z))})


#: Clicks each number of the graph, where it can be seen; what is then written, and how many marks
#: stand on what it was computed from.
OPENED = """() => {
    const cells = () => document.querySelectorAll(".bp-graph .bp-cell.known:has(title)");
    return Array.from(cells(), (_, n) => {
        const { left, top, width, height } = cells()[n].getBoundingClientRect();
        const hit = document.elementFromPoint(left + width / 2, top + height / 2);
        if (!cells()[n].contains(hit)) throw new Error(`cell ${n} cannot be clicked`);
        hit.dispatchEvent(new MouseEvent("click", { bubbles: true }));
        const written = Array.from(document.querySelectorAll(".bp-trace p")).at(-1).innerText;
        return [written, document.querySelectorAll(".bp-mark.source").length];
    });
}"""


def test_every_number_opens_into_its_sum(stage):
    """Whatever is clicked: the formula that is written gives the number behind it."""
    page = stage
    skip(page)
    press(page, "End")
    skip(page)
    press(page, "ArrowLeft")
    for kind in ("value", "derivative"):  # by the mouse itself
        cell = page.locator(f".bp-graph .bp-cell.{kind}.known:has(title)").last
        cell.click()
        name = cell.locator("title").text_content().split(" = ")[0]
        assert traced(page).startswith(f"{name} = ")
    opened = set()
    for _ in range(4):
        for written, sources in page.evaluate(OPENED):
            name, *formula, value = written.split(" = ")
            if not formula:
                assert re.search(r", given$|, the derivative of L with respect to itself$", value)
                continue
            opened.add(name)
            result = float(value.replace("−", "-"))
            assert evaluated(formula[0]) == pytest.approx(result, rel=0.02, abs=2e-5), name
            assert sources >= 1
        press(page, "]")
        assert live_text(page).startswith("Backward, step 14 of 15: ")
    of_an_example, of_parameters, losses = 4 * (4 + 1) + 2, 17, 1
    assert len(opened) == 4 * of_an_example + of_parameters + losses
    assert page.errors == []


# --- what the reader does ----------------------------------------------------------------------


def test_it_asks_first(stage):
    page = stage
    assert (
        page.locator("p.view-predict")
        .inner_text()
        .startswith("Predict: which parameters get no gradient from the example x = (0, 0)?")
    )
    page.locator(".view").focus()
    for key in ("ArrowRight", "End", " ", "r"):
        press(page, key)
        assert "Answer the question first" in live_text(page)
    assert {re.sub(r"\[.*", "", name) for name in titles(page)} == {
        "X",
        "y",
        "W1",
        "b1",
        "W2",
        "b2",
    }
    page.get_by_role("button", name="W1", exact=True).click()
    assert "✓ Right. dW1 = Xᵀ dz1" in page.locator(".view-verdict").inner_text()
    press(page, "ArrowRight")  # the view has the focus
    assert live_text(page).startswith("Forward, step 1 of 15: z1[0, 0] = ")
    assert page.errors == []


@pytest.mark.parametrize(
    ("change", "solution"),
    [
        (lambda X, W2: (X, 0 * W2), "W1 and b1"),
        (lambda X, W2: (X + 1, W2), "none"),
        (lambda X, W2: (X[::-1], W2), "W1"),
    ],
)
def test_the_answer_is_that_of_the_network(page, start, change, solution):
    W1, b1, W2, b2 = start
    inputs, W2 = change(X, W2)
    put_on_stage(page, views.BackpropStepper(inputs, Y, W1, b1, W2, b2))
    skip(page)
    assert f"It is {solution}. " in page.locator(".view-verdict").inner_text()


def test_a_path_is_followed_by_keys(stage):
    page = stage
    skip(page)
    press(page, "ArrowRight")
    press(page, "ArrowDown", 2)
    assert live_text(page).startswith("Forward, step 1 of 15: z1[0, 2] = ")
    press(page, "]", 2)
    press(page, "ArrowRight", 2)
    assert live_text(page).startswith("Forward, step 3 of 15: z2[2, 0] = ")
    press(page, "ArrowRight", 5)
    assert live_text(page).startswith("Backward, step 8 of 15: dW2[2, 0] = ")
    press(page, "ArrowRight", 4)
    assert live_text(page).startswith("Backward, step 12 of 15: dW1[0, 2] = ")
    press(page, "ArrowDown", 4)
    assert live_text(page).startswith("Backward, step 12 of 15: dW1[1, 2] = ")
    press(page, "ArrowLeft")
    assert live_text(page).startswith("Backward, step 11 of 15: dz1[2, 2] = ")
    press(page, "r")
    assert live_text(page) == "Everything is as it was at the beginning."
    assert not {"z1[0, 0]", "dW2[0, 0]"} & set(titles(page)) and page.errors == []


def rows_of_fork(page):
    return [
        float(text.replace("−", "-"))
        for text in page.locator(".bp-row .bp-number").all_text_contents()
    ]


def test_forks_add_up(stage, start):
    """Each branch is its product, and they add up to the derivative."""
    page = stage
    skip(page)
    n, _ = of_torch(X, Y, *start)
    for step, branches, edges in [
        ("dW2", n["a1"][:, 0] * n["dz2"][:, 0], 2),
        ("db2", n["dz2"][:, 0], 1),
        ("dW1", n["X"][:, 0] * n["dz1"][:, 0], 2),
        ("dX", n["dz1"][0] * n["W1"][0], 8),
    ]:
        assert branches.sum().item() == pytest.approx(n[step][0, 0].item(), rel=1e-9)
        page.get_by_role("button", name=step, exact=True).click()
        who = "hidden units" if step == "dX" else "examples"
        assert page.locator(".bp-heading").text_content() == f"A fork: the {who} add up"
        assert rows_of_fork(page) == pytest.approx(branches.tolist(), abs=5.1e-5)
        lit = page.locator(".bp-edge.on.backward").count()
        assert lit == edges + 4, step  # of the graph, and the branches beside it
    page.get_by_role("button", name="da1", exact=True).click()  # a single path
    assert page.locator(".bp-heading").text_content() == "da1[:, 0], all examples"
    page.locator(".bp-row").nth(3).click()
    assert live_text(page).startswith("Backward, step 10 of 15: da1[3, 0] = ")
    assert page.errors == []


def test_a_step_of_descent_goes_on_from_there(page, start):
    view = views.BackpropStepper(X, Y, *start, learning_rate=4)
    put_on_stage(page, view, kernel=True)
    skip(page)
    before, after = of_torch(X, Y, *start, rate=4)
    following, _ = of_torch(X, Y, *[value.detach().numpy() for value in after.values()])
    losses = [f"{numbers['L'].item():.4g}" for numbers in (before, following)]
    press(page, "End")
    assert f"the loss after one step with η = 4? Now it is {losses[0]}." in (
        page.locator("p.view-predict").inner_text()
    )
    press(page, "ArrowRight")
    assert "Answer the question first" in live_text(page)
    page.get_by_role("button", name="lower").click()
    assert f"✓ Right. New loss: {losses[1]}." in page.locator(".view-verdict").inner_text()
    assert f"The loss goes from {losses[0]} to {losses[1]}." in (
        page.locator(".bp-trace").inner_text()
    )
    press(page, "ArrowDown")
    assert live_text(page).startswith("Descent, step 15 of 15: W1[0, 1] = ")
    assert " ← " in traced(page) and " − 4 · " in traced(page)
    assert page.locator(".bp-heading").text_content() == "ŷ now, and after the step"
    answers = [
        f"{was:.3f} → {now:.3f}"
        for was, now in zip(before["y_hat"].ravel(), following["y_hat"].ravel(), strict=True)
    ]
    assert page.locator(".bp-row .bp-number").all_text_contents() == answers
    press(page, "ArrowRight")
    assert live_text(page).startswith("1 step of descent has been taken.")
    page.wait_for_function("window.saves === 1")
    for name, value in after.items():
        got = torch.tensor(getattr(view, name), dtype=torch.float64)
        torch.testing.assert_close(got, value.detach(), rtol=1e-12, atol=0)
    press(page, "End")  # is not asked again
    assert live_text(page).startswith("Descent, step 15 of 15: W1[0, 1] = ")
    press(page, "r")
    page.wait_for_function("window.saves === 2")
    assert np.array_equal(view.W1, start[0]) and page.errors == []


def test_it_plays_to_the_question(stage):
    page = stage
    page.emulate_media(reduced_motion="reduce")
    skip(page)
    for _ in range(13):
        press(page, " ")  # with less motion a single step each
    assert live_text(page).startswith("Backward, step 13 of 15: db1[0, 0] = ")
    press(page, " ", 2)
    assert page.get_by_role("button", name="lower").is_enabled()
    skip(page)
    press(page, " ", 2)
    assert live_text(page).startswith("Descent, step 15 of 15") and page.errors == []


def test_it_plays_by_itself(stage):
    page = stage
    skip(page)
    press(page, " ")
    page.wait_for_function(
        "document.querySelector('.view-live').textContent.includes('step 2 of 15')"
    )
    press(page, " ")
    assert page.get_by_role("button", name="▶ play").is_visible() and page.errors == []


def test_python_changes_the_network(page, start):
    view = views.BackpropStepper(X, Y, *start)
    put_on_stage(page, view, kernel=True)
    skip(page)
    press(page, "ArrowRight", 5)
    page.evaluate("window.hear({ b2: [[7]] })")
    assert titles(page)["b2[0, 0]"] == 7 and live_text(page).startswith("Inputs and parameters")
    press(page, "ArrowRight", 3)
    assert "z2[0, 0]" in titles(page) and page.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_both_schemes(page, start, scheme, tmp_path):
    """As a page of its own, which is dark where its reader wants that."""
    from course_utils.views.base import standalone

    view = views.BackpropStepper(X, Y, *start)
    names = ["X", "y", "W1", "b1", "W2", "b2", "learning_rate", "start"]
    file = tmp_path / "view.html"
    html = standalone("Back-propagation", view.page_code, view.page_style, view.get_state(names))
    file.write_text(html, encoding="utf-8")
    page.emulate_media(color_scheme=scheme)
    page.goto(file.as_uri())
    skip(page)
    page.get_by_role("button", name="dW2", exact=True).click()
    assert page.evaluate(FAINT) == [] and page.errors == []
