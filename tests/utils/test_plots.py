"""Figures: what is drawn, on which scale, and that nothing is changed or shown by itself."""

import re

import matplotlib
import numpy as np
import pytest
import torch

matplotlib.use("agg")

import matplotlib.pyplot as plt
from browser import ROOT
from matplotlib.colors import to_hex
from matplotlib.text import Text

from course_utils import plots


@pytest.fixture(autouse=True)
def close_figures(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: pytest.fail("a plot function called plt.show()"))
    yield
    plt.close("all")


def drawn(ax) -> np.ndarray:
    return np.ma.filled(ax.images[0].get_array(), np.nan)


def test_images_stand_side_by_side():
    images = torch.arange(3 * 4 * 4, dtype=torch.uint8).view(3, 1, 4, 4)
    ax = plots.image_grid(images, columns=2)
    mosaic = drawn(ax)
    assert mosaic.shape == (10, 10)  # two rows and two columns of 4, with gaps of 2
    assert (mosaic[:4, :4] == images[0, 0].numpy()).all()
    assert (mosaic[:4, 6:] == images[1, 0].numpy()).all()
    assert (mosaic[6:, :4] == images[2, 0].numpy()).all()


def test_titles_stand_above_their_images():
    ax = plots.image_grid(torch.zeros(3, 8, 8), ["a", "b", 3], columns=2)
    places = {text.get_text(): text.get_position() for text in ax.texts}
    assert places.keys() == {"a", "b", "3"}
    assert places["a"][0] < places["b"][0] and places["a"][1] < places["3"][1]
    assert all(text.get_fontsize() >= 12 for text in ax.texts)
    with pytest.raises(ValueError, match="zip"):
        plots.image_grid(torch.zeros(3, 8, 8), ["a", "b"])


@pytest.mark.parametrize(
    ("dtype", "white"), [(torch.uint8, 255), (torch.int64, 255), (torch.float32, 1)]
)
def test_white_is_the_same_for_every_image(dtype, white):
    """A dark picture is drawn dark: no picture is stretched to the full range."""
    ax = plots.image_grid(torch.zeros(2, 4, 4, dtype=dtype))
    assert ax.images[0].get_clim() == (0, white)


def test_maps_share_one_scale():
    values = torch.stack([torch.full((3, 3), 1.0), torch.full((3, 3), 4.0)])
    assert plots.maps(values).images[0].get_clim() == (0, 4)
    ax = plots.maps(-values, signed=True)
    assert ax.images[0].get_clim() == (-4, 4)
    assert ax.images[0].cmap(0.5)[:3] == pytest.approx((1, 1, 1), abs=0.02)  # 0 is white


def test_the_signed_bar_prints_the_sign():
    ax = plots.maps(torch.tensor([[[-2.0, 1.0]]]), signed=True, label="weight")
    bar = ax.figure.axes[-1]
    assert [tick.get_text() for tick in bar.get_yticklabels()] == ["−2", "0", "+2"]
    assert bar.get_ylabel() == "weight"


def test_maps_of_nothing_but_zeros_can_be_drawn():
    assert plots.maps(torch.zeros(2, 3, 3)).images[0].get_clim() == (0, 1)


def test_curves_are_named_and_labelled():
    series = {"one": [3, 2, 1], "two": ([10, 20], [5, 6])}
    ax = plots.curves(series, xlabel="step", ylabel="loss (nats)")
    assert [line.get_label() for line in ax.lines] == ["one", "two"]
    assert ax.lines[0].get_xdata().tolist() == [1, 2, 3]
    assert ax.lines[1].get_xdata().tolist() == [10, 20]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "loss (nats)")


def test_regions_are_tinted_by_the_answer():
    """A point just left of the boundary has the first tint, one just right of it the second."""
    ax = plots.decision_regions(lambda X: X[:, 0] > 0.2, xlim=(-1, 1), ylim=(0, 3))
    mesh, boundary = ax.collections
    answers = mesh.get_array().reshape(301, 301)
    np.testing.assert_array_equal(answers.sum(axis=0) > 0, np.linspace(-1, 1, 301) > 0.2)
    colours = mesh.to_rgba(np.array([0, 1]))
    assert [to_hex(colour).upper() for colour in colours] == list(plots.TINTS[:2])
    line = np.concatenate([path.vertices for path in boundary.get_paths()])
    assert np.allclose(line[:, 0], 0.2, atol=2 / 300)
    assert ax.get_xlim() == (-1, 1) and ax.get_ylim() == (0, 3)
    assert ax.get_xlabel() and ax.get_ylabel()


@pytest.mark.parametrize("kind", [list, np.array, torch.tensor])
def test_regions_accept_any_sequence_of_classes(kind):
    ax = plots.decision_regions(
        lambda X: kind([int(x > y) + int(x > 0) for x, y in X]), xlim=(-1, 1), ylim=(-1, 1)
    )
    assert set(np.unique(ax.collections[0].get_array())) == {0, 1, 2}


@pytest.mark.parametrize("answers", [lambda X: X, lambda X: X[:, 0], lambda X: [0]])
def test_regions_need_a_class_for_each_point(answers):
    with pytest.raises(ValueError, match="90601 class numbers from 0 to 5, one for each point"):
        plots.decision_regions(answers, xlim=(-1, 1), ylim=(-1, 1))


def test_given_axes_are_drawn_on_and_data_is_left_alone():
    _, given = plt.subplots()
    images = torch.rand(2, 5, 5)
    before = images.clone()
    assert plots.image_grid(images, ax=given) is given
    assert plots.maps(images, ax=given) is given
    assert plots.curves({"a": [1]}, xlabel="x", ylabel="y", ax=given) is given
    assert torch.equal(images, before)


@pytest.mark.parametrize("shape", [(5, 5), (2, 3, 5, 5), (0, 5, 5)])
def test_other_shapes_are_refused(shape):
    for draw in (plots.image_grid, plots.maps):
        with pytest.raises(ValueError, match=r"\(N, H, W\)"):
            draw(torch.zeros(shape))


def test_the_style_is_readable():
    style = (ROOT / "course_utils" / "course.mplstyle").read_text(encoding="utf-8")
    sizes = dict(re.findall(r"^([\w.]*size): (\d+)$", style, re.M))
    assert {"font.size", "xtick.labelsize", "legend.fontsize"} <= sizes.keys()
    assert all(int(size) >= 12 for name, size in sizes.items() if "marker" not in name)
    with plt.style.context("course_utils.course"):
        assert plt.rcParams["figure.dpi"] == 100
        cycle = plt.rcParams["axes.prop_cycle"].by_key()
        pairs = list(zip(cycle["color"], cycle["linestyle"], strict=True))
        assert len(set(pairs)) == len(pairs) == 7  # never colour alone


def test_a_confusion_matrix_shows_counts_and_hides_the_right_answers():
    counts = torch.tensor([[90, 10, 0], [1, 4, 0], [0, 0, 0]])
    ax = plots.confusion_matrix(counts, ["cat", "dog", "eel"])
    places = {text.get_position(): text.get_text() for text in ax.texts}
    assert places == {(0, 0): "90", (1, 0): "10", (0, 1): "1", (1, 1): "4"}  # (column, row)
    np.testing.assert_allclose(drawn(ax), [[0, 0.1, 0], [0.2, 0, 0], [0, 0, 0]])
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["cat", "dog", "eel"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")
    assert torch.equal(counts, torch.tensor([[90, 10, 0], [1, 4, 0], [0, 0, 0]]))
    plots.confusion_matrix(np.diag([3, 4]), ["a", "b"])  # without a mistake


def test_a_confusion_matrix_of_other_sizes_is_refused():
    with pytest.raises(
        ValueError, match=r"3 classes need counts of shape \(3, 3\); got .*\(2, 3\)"
    ):
        plots.confusion_matrix(np.zeros((2, 3)), ["a", "b", "c"])


#: What a reader may call a class or a run: letters, and no formulas.
NAMES = ["$x_$", "5$ to 10$", r"$\frac$", "a_b^"]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.confusion_matrix(np.eye(4, dtype=int), NAMES),
        lambda: plots.image_grid(torch.zeros(4, 8, 8), NAMES),
        lambda: plots.curves({name: [1, 2] for name in NAMES}, xlabel="step", ylabel="loss"),
    ],
)
def test_names_with_dollars_are_drawn_as_they_are(draw):
    ax = draw()
    ax.figure.canvas.draw()  # an error where a formula cannot be set
    written = [text._preprocess_math(text.get_text()) for text in ax.findobj(Text)]
    assert set(NAMES) <= {text for text, is_formula in written if not is_formula}
