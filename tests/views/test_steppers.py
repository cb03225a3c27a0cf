"""The convolution and the pooling stepper: in Python, alone on a page, and in JupyterLab."""

import io
import math
import re
import time
from itertools import chain, product

import numpy as np
import pytest
import torch
from browser import keep, kernel_says, lab_with, live_text, put_on_stage, run_all, skip
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from course_utils import views
from course_utils.views import drawing, sizes
from course_utils.views.bundler import gather
from course_utils.views.convolution import checked as convolution_checked
from course_utils.views.pooling import checked as pooling_checked

FIVE = [[1, 2, 0, 3, 1], [4, 0, 1, 9, 2], [3, 1, 7, 2, 0], [0, 5, 2, 1, 6], [2, 1, 0, 3, 4]]
ARRIVES = [[9, -9], [18, 27]]


# --- in Python -------------------------------------------------------------------------------


def test_step_edge():
    stepper = views.ConvolutionStepper()
    assert stepper.output.tolist() == [[0, 3, 3, 0]] * 4
    assert stepper.arithmetic().splitlines()[0] == (
        "output[0, 0] = 0   output[0, 1] = 3   output[0, 2] = 3   output[0, 3] = 0"
    )
    stepper.stride = 2
    assert stepper.output.tolist() == [[0, 3]] * 2
    stepper.flip = True
    assert stepper.output.tolist() == [[0, -3]] * 2


def test_numbers_of_all_kinds_are_taken():
    kernel = torch.full((3, 3), 1 / 9)
    stepper = views.ConvolutionStepper(np.eye(4), kernel, padding=np.int64(1), bias=0.5)
    assert stepper.output[1, 1].item() == pytest.approx(3 / 9 + 0.5)
    assert "output[1, 1] = 0.8333" in stepper.arithmetic()
    colour = views.ConvolutionStepper(np.ones((3, 5, 5)), np.ones((3, 3, 3)))
    assert colour.output.tolist() == [[27] * 3] * 3


KERNEL = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])


@pytest.mark.parametrize(
    "kernel",
    [
        KERNEL[::-1, ::-1],
        KERNEL[::-1, ::-1].T.T,
        KERNEL[::-1, ::-1].astype(np.longdouble),
        KERNEL[::-1, ::-1].astype(">f4"),
        KERNEL[::-1, ::-1].astype(">i2"),
        KERNEL[::-1, ::-1].astype(object),
        KERNEL[::-1, ::-1].astype(np.float16),
        [torch.tensor(row) for row in KERNEL[::-1, ::-1].tolist()],
        [torch.tensor(row, requires_grad=True) for row in KERNEL[::-1, ::-1].tolist()],
        [[torch.tensor(weight) for weight in row] for row in KERNEL[::-1, ::-1].tolist()],
        tuple(KERNEL[::-1, ::-1]),
        torch.tensor(KERNEL[::-1, ::-1].copy(), dtype=torch.bfloat16),
        torch.nn.Parameter(torch.tensor(KERNEL[::-1, ::-1].copy()))[None],
    ],
)
def test_numbers_are_taken_however_they_are_kept(kernel):
    """Turned by half, as lesson 06 does it, and in every type that holds numbers."""
    stepper = views.ConvolutionStepper(kernel=kernel)
    assert stepper.kernel == [KERNEL[::-1, ::-1].tolist()]
    assert stepper.output.tolist() == [[0, -4, -4, 0]] * 4
    pooled = views.PoolingStepper(kernel, stride=1)
    assert pooled.output.tolist() == [[2, 0], [2, 0]]


def test_a_picture_of_bytes_is_taken():
    image = np.arange(36, dtype=np.uint8).reshape(6, 6)[::-1]
    assert views.ConvolutionStepper(image).image == [image.tolist()]
    assert views.ConvolutionStepper(image > 9).image[0][0][0] == 1


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"kernel": [["1", "2"]]}, "the kernel has to be rows of numbers; it holds '1'"),
        ({"kernel": [[1j, 2]]}, "the kernel has to be rows of numbers; it holds 1j"),
        ({"kernel": [[None, 2]]}, "the kernel has to be rows of numbers; it holds None"),
        ({"kernel": [[object(), 2]]}, "the kernel has to be rows of numbers; it holds <object"),
        ({"stride": "2"}, "the stride is '2'; it has to be a whole number, at least 1"),
        ({"stride": torch.tensor(2)}, "the stride is tensor(2); it has to be a whole number"),
        ({"bias": "0.5"}, "the bias is '0.5'; it has to be a number from −9999 to 9999"),
        ({"bias": np.array(0.5)}, "the bias is array(0.5); it has to be a number"),
        ({"kernel": [["a", 1]]}, "the kernel has to be rows of numbers; it holds 'a'"),
        ({"kernel": [[1, 2], [3]]}, "the kernel has to be rows of numbers, all of one length"),
        ({"kernel": [[float("nan")]]}, "the kernel has to hold numbers from −9999 to 9999"),
        ({"kernel": np.ones((7, 7))}, "the kernel has 7 × 7 numbers; sides up to 5"),
        ({"kernel": 3}, "the kernel has to be (H, W) or (C, H, W)"),
        ({"image": np.ones((3, 6, 6))}, "channels: 3, slices of the kernel: 1"),
        ({"image": np.ones((4, 6, 6))}, "the image has 4 channels"),
        ({"image": [[1, 2], [3, 4]]}, "a kernel of 3 does not fit into 2 + 2 · 0 = 2 pixels"),
        ({"stride": 9}, "a stride of 9 is larger than the image, 6 + 2 · 0 = 6 pixels"),
        ({"stride": 0}, "the stride is 0; it has to be a whole number, at least 1"),
        ({"stride": 1.5}, "the stride is 1.5; it has to be a whole number"),
        ({"stride": 2.0}, "the stride is 2.0; it has to be a whole number"),
        ({"padding": 3}, "the padding is 3; up to 2"),
        ({"bias": "much"}, "the bias is 'much'; it has to be a number"),
    ],
)
def test_what_cannot_be_convolved_is_refused(settings, sentence):
    with pytest.raises(ValueError) as caught:
        views.ConvolutionStepper(**settings)
    assert sentence in str(caught.value)


def test_a_refused_setting_changes_nothing():
    stepper = views.ConvolutionStepper()
    with pytest.raises(ValueError, match="a stride of 9"):
        stepper.stride = 9
    with pytest.raises(ValueError, match="rows of numbers"):
        stepper.kernel = [["x"]]
    assert stepper.stride == 1 and stepper.output.tolist() == [[0, 3, 3, 0]] * 4


def test_pooling():
    stepper = views.PoolingStepper()
    assert stepper.output.tolist() == [[5, 4], [7, 3]]
    assert stepper.dx.count_nonzero() == 4 and stepper.dx[2, 2] == 1  # the first of four 3s
    stepper.how = "average"
    assert stepper.dx.tolist() == [[0.25] * 4] * 4
    assert "dx[3, 3] = 0.25" in stepper.arithmetic()
    stepper.stride = 1  # the gradient follows the new size
    assert stepper.gradient == [[1] * 3] * 3 and stepper.dx[1, 1] == 1


def test_overlap_adds_up():
    stepper = views.PoolingStepper(FIVE, ARRIVES, size=3)
    assert stepper.dx[2, 2] == 54 and stepper.dx.sum() == 45
    stepper.how = "average"
    assert stepper.dx[2, 2] == pytest.approx(5)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"size": 5}, "a window of 5 does not fit into 4 values"),
        ({"size": 0}, "the window's side is 0"),
        ({"stride": 5}, "a stride of 5 is larger than the map, 4 values"),
        ({"how": "median"}, "how is 'median'"),
        ({"x": [["a"]]}, "the map has to be rows of numbers"),
        ({"x": np.ones((2, 4, 4))}, "the map has 2 channels"),
        ({"gradient": [[1, 2, 3]]}, "the gradient has the shape (1, 3); pooling gives (2, 2)"),
    ],
)
def test_what_cannot_be_pooled_is_refused(settings, sentence):
    with pytest.raises(ValueError) as caught:
        views.PoolingStepper(**settings)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    "view",
    [
        views.ConvolutionStepper(),
        views.ConvolutionStepper(np.ones((3, 12, 12)) / 3, np.ones((3, 5, 5)) / 7, padding=2),
        views.PoolingStepper(),
        views.PoolingStepper(np.random.default_rng(0).normal(size=(8, 8)), size=3),
    ],
    ids=["convolution", "large convolution", "pooling", "large pooling"],
)
def test_without_a_page(view):
    data, _ = view._repr_mimebundle_()
    assert len(data["image/png"]) <= 40_000
    assert Image.open(io.BytesIO(data["image/png"])).format == "PNG"
    numbers = re.findall(r"= (\S+)", data["text/plain"])
    assert numbers and all(len(re.sub(r"[-.]|e.*", "", n).lstrip("0")) <= 4 for n in numbers)


def printed(panel):
    """The numbers that stand in a still's grid, and how wide each is beside its cell."""
    figure = Figure(dpi=100)
    FigureCanvasAgg(figure)
    inch = drawing.cell_side([[panel]])
    figure.set_size_inches(inch * panel.values.shape[1], inch * panel.values.shape[0])
    axes = figure.add_axes((0, 0, 1, 1))
    drawing.draw_panel(axes, panel, 0, 0)
    axes.set(xlim=(0, panel.values.shape[1]), ylim=(panel.values.shape[0], 0), aspect="auto")
    cells = [text for text in axes.texts if text.get_text() != panel.title]
    wide = max(text.get_window_extent().width for text in cells) / (100 * inch)
    return [text.get_text() for text in cells], wide, axes.images[0]


@pytest.mark.parametrize(
    "values",
    [
        [[0, 120, 255]],
        [[-9999.0, 9999, -1234.5]],
        [[-128.25, 0.004, 1e-5]],
        [[1 / 3, -2 / 3, 99.6]],
        [[0.5, 1, -1]],
    ],
)
def test_the_numbers_of_a_still_fit_their_cells(values):
    texts, wide, _ = printed(drawing.Panel("x", torch.tensor(values), "signed"))
    assert wide < 1
    shown = [float(text.replace("−", "-")) for text in texts]
    assert shown == pytest.approx(values[0], rel=0.06)


def test_a_still_of_a_picture_of_bytes():
    image = torch.tensor([[0, 120, 255]], dtype=torch.uint8).double()
    texts, _, _ = printed(drawing.Panel("image", image, "grey"))
    assert texts == ["0", "120", "255"]


@pytest.mark.parametrize(
    ("view", "title"),
    [
        (views.PoolingStepper([[-1, -3], [-2, -4]]), "x"),
        (views.PoolingStepper([[-1, -3], [-2, -4]]), "y, max"),
        (views.ConvolutionStepper(-np.eye(6)), "image"),
    ],
)
def test_what_is_negative_is_not_black_in_a_still(view, title, monkeypatch):
    drawn = []
    monkeypatch.setattr(drawing, "png", lambda rows, _: drawn.extend(chain(*rows)))
    view.picture()
    (panel,) = [panel for panel in drawn if panel.title == title]
    picture = printed(panel)[2]
    red, _, blue, _ = picture.cmap(picture.norm(panel.values.min().item()))
    assert blue > red + 0.2 and blue > 0.6  # blue, as negative values are in all figures


# --- the same words in Python and in the page ------------------------------------------------

#: What the page says of each state, and how large it takes the output to be if it says nothing.
SAID = """async ([code, states]) => {
    const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    const { refusal, output } = (await import(url)).default;
    return states.map((state) => refusal(state) || output(state).shape.slice(1));
}"""


def said_in_page(page, name, states):
    own = f'$modules["{name}/state.js"]'
    code = gather(f"{name}/state.js")
    code += f"export default {{ output: {own}.pooled, ...{own} }};\n"
    answers = page.evaluate(SAID, [code, states])
    assert page.errors == []
    return answers


def said_in_python(checked, *state):
    try:
        checked(*state)
    except ValueError as error:
        return str(error)[0].upper() + str(error)[1:]
    return None


def ones(height, width):
    return [[1] * width for _ in range(height)]


def test_what_does_not_fit_is_said_in_the_same_words_of_a_convolution(page):
    images = [ones(side, side) for side in range(1, 7)] + [ones(2, 5), ones(6, 3)]
    kernels = [ones(side, side) for side in range(1, 6)] + [ones(1, 4), ones(5, 2)]
    choices = product(images, kernels, range(1, 11), range(3))
    settled = {"channels": 1, "bias": 0, "flip": False}
    states = [
        {"image": [image], "kernel": [kernel], "stride": stride, "padding": padding, **settled}
        for image, kernel, stride, padding in choices
    ]
    refused = 0
    for state, said in zip(states, said_in_page(page, "convolution", states), strict=True):
        image, kernel, stride, padding = (
            state[name] for name in ("image", "kernel", "stride", "padding")
        )
        wanted = said_in_python(convolution_checked, image, kernel, stride, padding, 0)
        refused += wanted is not None
        if wanted is None:
            sides = zip(np.shape(image)[1:], np.shape(kernel)[1:], strict=True)
            wanted = [sizes.output_size(side, window, stride, padding) for side, window in sides]
            stepper = views.ConvolutionStepper(image, kernel, stride=stride, padding=padding)
            assert list(stepper.output.shape) == wanted
        assert said == wanted
    assert 500 < refused < len(states) - 500


def test_what_does_not_fit_is_said_in_the_same_words_of_pooling(page):
    maps = [ones(side, side) for side in range(1, 8)] + [ones(2, 5), ones(6, 3)]
    states = [
        {"x": x, "gradient": None, "size": size, "stride": stride, "how": "average"}
        for x, size, stride in product(maps, range(1, 9), range(1, 9))
    ]
    refused = 0
    for state, said in zip(states, said_in_page(page, "pooling", states), strict=True):
        wanted = said_in_python(pooling_checked, *state.values())
        refused += wanted is not None
        if wanted is None:
            size, stride = state["size"], state["stride"]
            wanted = [sizes.output_size(side, size, stride) for side in np.shape(state["x"])]
            assert list(views.PoolingStepper(**state).output.shape) == wanted
        assert said == wanted
    assert 100 < refused < len(states) - 100


def test_a_setting_that_cannot_be_is_refused_in_the_same_words(page):
    good = {"image": [ones(6, 6)], "kernel": [ones(3, 3)], "stride": 1, "padding": 0, "bias": 0}
    wrong = {"stride": [0, -1, 1.5], "padding": [3, -1, 0.5], "bias": [1e5, 10_000, -9999.5]}
    states = [good | {name: value} for name, values in wrong.items() for value in values]
    in_page = [state | {"channels": 1, "flip": False} for state in states]
    assert said_in_page(page, "convolution", in_page) == [
        said_in_python(convolution_checked, *state.values()) for state in states
    ]
    typing = good | {"bias": math.nan, "channels": 1, "flip": False}  # as long as "-" stands there
    assert said_in_page(page, "convolution", [typing]) == [
        "The bias is not a number; it has to be a number from −9999 to 9999."
    ]
    good = {"x": ones(4, 4), "gradient": None, "size": 2, "stride": 2, "how": "max"}
    states = [good | {name: value} for name in ("size", "stride") for value in (0, -1, 1.5)]
    assert said_in_page(page, "pooling", states) == [
        said_in_python(pooling_checked, *state.values()) for state in states
    ]


@pytest.mark.parametrize(
    "stepper",
    [views.ConvolutionStepper(), views.ConvolutionStepper(stride=2), views.PoolingStepper()],
    ids=["convolution", "stride 2", "pooling"],
)
def test_the_page_asks_what_the_picture_asks(page, stepper):
    put_on_stage(page, stepper)
    text = page.locator(".view-predict").first.inner_text()
    assert text.startswith(f"Predict: {stepper.question}")


# --- alone on a page -------------------------------------------------------------------------


@pytest.fixture
def convolution(page):
    put_on_stage(page, views.ConvolutionStepper())
    return page


@pytest.fixture
def pooling(page):
    put_on_stage(page, views.PoolingStepper())
    return page


def grid(page, title):
    """The numbers of the visible grid whose title begins so, a list for each row."""
    return page.evaluate(
        """(title) => {
            const panes = [...document.querySelectorAll(".grid-pane")];
            const pane = panes.find((pane) => pane.checkVisibility()
                && pane.querySelector(".grid-title").textContent.startsWith(title));
            const cells = [...pane.querySelectorAll(".grid-cell")];
            const tops = [...new Set(cells.map((cell) => cell.offsetTop))];
            return tops.map((top) => cells.filter((cell) => cell.offsetTop === top)
                .map((cell) => cell.value ?? cell.textContent));
        }""",
        title,
    )


def cell(page, title, row, column):
    pane = page.locator(".grid-pane:visible").filter(has=page.locator(f"text=/^{title}/"))
    columns = len(grid(page, title)[0])
    return pane.locator(".grid-cell").nth(row * columns + column)


def traced(page):
    return page.locator(".stepper-trace").inner_text()


def answer(page, text):
    page.locator(".view-predict input").fill(text)
    page.keyboard.press("Enter")


def number(page, name):
    return page.get_by_role("spinbutton", name=name, exact=True)


def test_convolution_asks_first(convolution):
    page = convolution
    assert grid(page, "output") == [["?"] * 4] * 4
    page.locator(".view").focus()
    page.keyboard.press("ArrowRight")  # looking is free: pixels and weights, no sum
    assert grid(page, "pixel")[0] == ["0 · −1\n= ?", "0 · 0\n= ?", "1 · 1\n= ?"]
    page.keyboard.press("]")
    assert "Answer the question first" in live_text(page) and grid(page, "output")[0][1] == "?"
    answer(page, "0 3 3")
    assert "4 numbers, please." in page.locator(".view-verdict").inner_text()
    answer(page, "0 3 3 0")
    assert "✓ Right." in page.locator(".view-verdict").inner_text()
    assert grid(page, "output") == [["0", "3", "3", "0"]] * 4
    page.get_by_role("button", name="next: stride 2").click()
    assert grid(page, "output") == [["?"] * 2] * 2
    answer(page, "0, 1")
    assert "✗ You said 0, 1. It is 0 3." in page.locator(".view-verdict").inner_text()
    assert grid(page, "output") == [["0", "3"]] * 2
    assert "⌊(6 + 2 · 0 − 3) / 2⌋ + 1 = 2 · struck through" in traced(page)
    assert page.errors == []


def test_convolution_by_keyboard(convolution):
    page = convolution
    skip(page)  # the view has the focus now
    for key in ["ArrowRight", "ArrowDown", "ArrowDown"]:
        page.keyboard.press(key)
    assert live_text(page) == "The window at row 2, column 1 makes output[2, 1] = 3."
    assert traced(page).splitlines()[0] == (
        "output[2, 1] = 0·(−1) + 0·0 + 1·1 + 0·(−1) + 0·0 + 1·1 + 0·(−1) + 0·0 + 1·1 + bias 0 = 3"
    )
    page.keyboard.press("]")
    answer(page, "0 3")
    page.keyboard.press("]")
    assert page.evaluate("model.get('stride')") == 3
    page.keyboard.press("[")
    page.keyboard.press("[")
    page.keyboard.press("[")
    assert "The stride is 0; it has to be a whole number, at least 1." in live_text(page)
    page.keyboard.press("Tab")  # into the first control, and on to the numbers of the image
    cell(page, "image", 0, 0).focus()
    page.keyboard.press("ArrowUp")
    assert page.evaluate("model.get('image')[0][0][0]") == 1
    page.keyboard.press("ArrowRight")
    page.keyboard.type("-2.5")
    page.keyboard.press("Enter")
    assert grid(page, "image")[0][:3] == ["1", "−2.5", "0"]
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    assert grid(page, "image")[0] == list("000111")
    assert grid(page, "output") == [["0", "3", "3", "0"]] * 4
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement === document.body")
    assert page.errors == []


def test_convolution_plays(convolution):
    page = convolution
    skip(page)
    page.keyboard.press(" ")
    page.wait_for_function("document.querySelector('.view-live').textContent.includes('[0, 1]')")
    assert grid(page, "output")[3][3] == ""  # not yet written
    page.keyboard.press(" ")
    assert grid(page, "output")[3][3] == "0"
    assert page.errors == []


def test_with_less_motion_space_is_a_single_step(convolution):
    page = convolution
    page.emulate_media(reduced_motion="reduce")
    skip(page)
    page.keyboard.press(" ")
    assert grid(page, "output")[0] == ["0", "", "", ""]
    page.keyboard.press(" ")
    assert grid(page, "output")[0] == ["0", "3", "", ""]
    page.keyboard.press("r")  # ends it, as it ends playing
    assert grid(page, "output") == [["0", "3", "3", "0"]] * 4
    for _ in range(17):
        page.keyboard.press(" ")
    assert grid(page, "output") == [["0", "3", "3", "0"]] * 4
    assert page.errors == []


def test_convolution_by_mouse(convolution):
    page = convolution
    skip(page)
    cell(page, "output", 1, 2).click()
    assert live_text(page) == "The window at row 1, column 2 makes output[1, 2] = 3."
    weight = cell(page, "kernel", 0, 2)
    weight.click()
    page.keyboard.type("1/4")
    assert traced(page).startswith("output[1, 2] = 0·(−1) + 1·0 + 1·0.25 + ")
    assert page.evaluate("model.get('kernel')[0][0][2]") == 0.25
    page.get_by_role("checkbox", name="flip").check()
    assert grid(page, "laid on")[2] == ["0.25", "0", "−1"]
    number(page, "bias").fill("-1")
    number(page, "padding").fill("1")
    assert len(grid(page, "output")) == 6 and len(grid(page, "image")) == 8
    cell(page, "image", 3, 3).hover()
    assert page.locator(".grid-cell.linked").count() == 1 + 9  # itself, and where it counts
    page.locator("select[aria-label=kernel]").select_option("blur")
    assert page.evaluate("model.get('kernel')[0][1][1]") == pytest.approx(1 / 9)
    assert page.errors == []


def test_a_negative_pixel_is_not_black(page):
    put_on_stage(page, views.ConvolutionStepper(-np.eye(6)))
    colour = cell(page, "image", 0, 0).evaluate("(cell) => getComputedStyle(cell).backgroundColor")
    red, _, blue = map(int, re.findall(r"\d+", colour))
    assert blue > red + 50


def test_convolution_adds_channels(convolution):
    page = convolution
    skip(page)
    page.locator("select[aria-label=channels]").select_option("3")
    cell(page, "output", 0, 1).click()
    lines = traced(page).splitlines()
    assert [line.rpartition(" = ")[2] for line in lines[:3]] == ["3", "0", "−3"]
    assert lines[3] == "output[0, 1] = 3 + 0 + (−3) + bias 0 = 0"
    number(page, "bias").fill("0.5")
    assert traced(page).splitlines()[3] == "output[0, 1] = 3 + 0 + (−3) + bias 0.5 = 0.5"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("abc", "“abc” is not a number from −9999 to 9999, so kernel[0, 0] stays."),
        ("1e999", "is not a number"),
        ("1/0", "is not a number"),
        ("99999", "is not a number"),
        ("", "Nothing is not a number"),
        ("-", "“-” is not a number"),
    ],
)
def test_a_weight_that_is_no_number(convolution, typed, sentence):
    page = convolution
    skip(page)
    weight = cell(page, "kernel", 0, 0)
    weight.fill(typed)
    page.keyboard.press("Enter")
    assert sentence in live_text(page)
    assert grid(page, "kernel")[0][0] == weight.input_value()
    last = page.evaluate("model.get('kernel')[0][0][0]")
    assert abs(last) <= 9999 and page.errors == []
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    assert grid(page, "output")[0] == ["0", "3", "3", "0"]


def test_a_stride_that_is_too_large(convolution):
    page = convolution
    skip(page)
    number(page, "stride").fill("9")
    sentence = "A stride of 9 is larger than the image, 6 + 2 · 0 = 6 pixels."
    assert live_text(page) == sentence + " The view stays as it was."
    assert page.evaluate("model.get('stride')") == 1 and len(grid(page, "output")) == 4
    number(page, "padding").fill("7")
    assert live_text(page).startswith("The padding is 7; up to 2 can be shown.")
    assert number(page, "stride").input_value() == "1"  # as it was, once one has left it
    assert page.errors == []


def test_convolution_hears_from_python(convolution):
    page = convolution
    skip(page)
    page.evaluate("model.set('kernel', [[[2]]])")
    assert grid(page, "output")[0] == ["0", "0", "0", "2", "2", "2"]
    page.evaluate("leave()")
    page.evaluate("model.set('kernel', [[[3]]])")
    assert grid(page, "output")[0][5] == "2"


def test_what_python_changes_is_what_is_asked_about(convolution):
    page = convolution
    page.evaluate("model.set('kernel', [[[2]]])")
    answer(page, "0 0 0 2 2 2")
    assert "✓ Right." in page.locator(".view-verdict").inner_text()


def test_pooling_asks_first(pooling):
    page = pooling
    assert grid(page, "dx") == [["?"] * 4] * 4
    for row, column in [(1, 0), (1, 3), (2, 0), (2, 2)]:
        cell(page, "x", row, column).click()
    cell(page, "x", 3, 3).click()  # and away again
    cell(page, "x", 3, 3).click()
    assert live_text(page) == "x[3, 3] no longer marked, 4 in all."
    page.get_by_role("button", name="answer").click()
    assert "✓ Right, 4 of 16" in page.locator(".view-verdict").inner_text()
    assert grid(page, "dx")[2] == ["+1", "0", "+1", "0"]
    page.get_by_role("button", name="next: average").click()
    assert grid(page, "dx")[2] == ["?"] * 4
    answer(page, "16 0.25")
    assert "✓ Right." in page.locator(".view-verdict").inner_text()
    assert grid(page, "dx") == [["+0.25"] * 4] * 4
    assert page.errors == []


def test_pooling_by_keyboard(pooling):
    page = pooling
    page.locator(".view").focus()
    cell(page, "x", 0, 0).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert live_text(page) == "x[1, 0] marked, 1 in all."
    skip(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert traced(page).splitlines() == [
        "y[1, 1] = max(3, 3, 3, 3) = 3",
        "dy[1, 1] = 1 goes to the winner, x[2, 2], alone · 4 values are tied: "
        "the first in row order wins, as in torch",
    ]
    page.keyboard.press("[")  # now the windows overlap
    assert "which gradient does the framed" in page.locator(".view-predict").first.inner_text()
    skip(page)
    assert page.evaluate("model.get('gradient')") == [[1] * 3] * 3
    page.keyboard.press("r")
    assert len(grid(page, "y")) == 2
    page.keyboard.press(" ")
    page.wait_for_function("document.querySelector('.view-live').textContent.includes('y[0, 0]')")
    assert grid(page, "dx")[2] == ["0"] * 4  # has not arrived yet
    page.keyboard.press(" ")
    assert grid(page, "dx")[2] == ["+1", "0", "+1", "0"]
    assert page.errors == []


def test_overlap_can_be_traced(page):
    put_on_stage(page, views.PoolingStepper(FIVE, ARRIVES, size=3))
    answer(page, "54")
    assert "✓ Right." in page.locator(".view-verdict").inner_text()
    assert traced(page).splitlines() == [
        "x[2, 2] lies in the windows of y[0, 0], y[0, 1], y[1, 0], y[1, 1], "
        "and wins 3 of them: y[0, 0], y[1, 0], y[1, 1]",
        "dx[2, 2] = 9 + 18 + 27 = 54",
    ]
    page.locator("select").select_option("average")
    skip(page)
    assert traced(page).splitlines()[1] == "dx[2, 2] = 9/9 + (−9)/9 + 18/9 + 27/9 = 5"
    cell(page, "dx", 0, 0).click()
    assert traced(page).splitlines()[1] == "dx[0, 0] = 9/9 = 1"
    cell(page, "dy", 0, 0).click()
    page.keyboard.type("18")
    assert grid(page, "dx")[0][0] == "+2"
    number(page, "window").fill("2")
    cell(page, "dx", 4, 4).click()
    assert "x[4, 4] is in no window" in traced(page)
    number(page, "window").fill("6")
    assert live_text(page) == "A window of 6 does not fit into 5 values. The view stays as it was."
    assert page.errors == []


@pytest.mark.parametrize("width", [1280, 900])
@pytest.mark.parametrize("name", ["ConvolutionStepper", "PoolingStepper"])
def test_fits(page, name, width):
    page.set_viewport_size({"width": width, "height": 720})
    put_on_stage(page, getattr(views, name)())
    skip(page)
    keep(page, f"{name}-{width}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator(".view").bounding_box()["height"] < 700
    sizes = page.evaluate(
        """() => [...document.querySelectorAll(".view *")]
            .map((element) => parseFloat(getComputedStyle(element).fontSize))"""
    )
    assert min(sizes) >= 16


# --- in JupyterLab ---------------------------------------------------------------------------


def type_in_the_convolution(page, view):
    """An answer, keys that move the window, and a 5 in the kernel."""
    answer_field = view.locator(".view-predict input")
    answer_field.fill("0 3 3 0")
    answer_field.press("Enter")
    live = view.locator(".view-live")
    for key, words in [("ArrowRight", "output[0, 1] = 3"), ("ArrowDown", "output[1, 1] = 3")]:
        page.keyboard.press(key)
        assert words in live.inner_text()
    page.keyboard.press("]")
    skip_button = view.get_by_role("button", name="skip")
    skip_button.click()
    weight = view.get_by_label("kernel, row 0, column 0")
    weight.click()
    page.keyboard.type("5")
    page.keyboard.press("Escape")
    page.keyboard.press("d")  # twice d would delete the cell, were the keys JupyterLab's
    page.keyboard.press("d")


def mark_in_the_pooling(page, view):
    view.scroll_into_view_if_needed()
    view.get_by_label("x, row 1, column 0").click()
    assert "marked, 1 in all" in view.locator(".view-live").inner_text()
    view.get_by_role("button", name="skip").click()
    page.keyboard.press("ArrowRight")
    assert "keeps y[0, 1] = 4" in view.locator(".view-live").inner_text()


@pytest.mark.lab
def test_in_jupyterlab(page, tmp_path):
    code = ["from course_utils import views", "stepper = views.ConvolutionStepper()\nstepper"]
    code += ["pooling = views.PoolingStepper()\npooling"]
    with lab_with(page, tmp_path, code):
        cells = run_all(page)
        page.set_default_timeout(30_000)
        assert "output[0, 1] = 3" in str(cells[1]["outputs"])
        view = page.locator(".view").first
        view.wait_for(timeout=60_000)
        type_in_the_convolution(page, view)
        assert page.evaluate(
            "window.jupyterapp.shell.currentWidget.content.model.cells.length"
        ) == len(code)
        seen = "stepper.kernel[0][0][0] == 5 and stepper.stride == 2"
        patience = time.monotonic() + 30
        while kernel_says(page, f"assert {seen}") != "ok":
            assert time.monotonic() < patience
        assert kernel_says(page, "stepper.kernel = [[1, 1], [1, 1]]") == "ok"
        view.get_by_label("kernel, row 1, column 1").wait_for()
        assert view.get_by_label("kernel, row 2, column 0").count() == 0

        second = page.locator(".view").nth(1)
        mark_in_the_pooling(page, second)

        assert page.errors == [] and page.outside == []
        page.evaluate(
            "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.shutdown()"
        )
        page.wait_for_timeout(1000)
        second.get_by_label("x, row 0, column 0").click()
        page.keyboard.type("9")  # a dead kernel does not stop the page
        assert "max(9, 3, 5, 2) = 9" in second.locator(".stepper-trace").inner_text() or (
            "x[0, 0]" in second.locator(".stepper-trace").inner_text()
        )
