"""The one list of lessons. The README's table, the links between lessons and the tests read it."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from course_utils.internals.places import COURSE

NOTEBOOKS = COURSE / "notebooks"


@dataclass(frozen=True)
class Lesson:
    """One lesson.

    budget: seconds on a 2-core CPU, the kernel's start included.
    real_images: whether it works on MNIST or FashionMNIST where they can be had; otherwise it
    uses only what ships.
    written: False while it is only planned.
    """

    number: int
    file: str
    title: str
    question: str
    budget: int
    real_images: bool
    written: bool = False

    @property
    def path(self) -> Path:
        return NOTEBOOKS / self.file

    @property
    def data(self) -> str:
        """What the lesson works on, as the README's table says it."""
        return "MNIST or digits" if self.real_images else "shipped"

    @property
    def minutes(self) -> tuple[int, int]:
        """For reading and predicting, and for the exercises, as the head of the lesson says."""
        title = json.loads(self.path.read_text(encoding="utf-8"))["cells"][0]["source"]
        minutes = re.findall(r"about (\d+) minutes.* exercises another (\d+)", "".join(title))
        ((reading, exercises),) = minutes
        return int(reading), int(exercises)


# fmt: off
LESSONS = (
    Lesson(0, "00_start_here.ipynb", "Start here", "Is this machine ready, and where does the course lead?", 15, False, True),
    Lesson(1, "01_a_neuron.ipynb", "A neuron", "How can one number-crunching unit make a decision?", 20, False, True),
    Lesson(2, "02_linear_regression.ipynb", "Linear regression", "What is the best straight line, and how do we know?", 15, False, True),
    Lesson(3, "03_gradient_descent.ipynb", "Gradient descent", "How do we find the bottom of the bowl when there is no formula?", 20, False, True),
    Lesson(4, "04_back_propagation.ipynb", "Back-propagation", "How does the error find its way to every weight?", 30, False, True),
    Lesson(5, "05_images_as_numbers.ipynb", "Images as numbers", "What does a network see?", 40, True, True),
    Lesson(6, "06_convolution.ipynb", "Convolution, pixel by pixel", "How does a small grid of weights find edges?", 25, False, True),
    Lesson(7, "07_pooling.ipynb", "Pooling, and LeNet by the numbers", "What can we throw away?", 25, False, True),
    Lesson(8, "08_multi_layer_perceptron.ipynb", "A multi-layer perceptron", "How far do plain layers get?", 60, True, True),
    Lesson(9, "09_lenet.ipynb", "LeNet", "Why does looking locally win?", 75, True, True),
    Lesson(10, "10_what_lenet_sees.ipynb", "What LeNet sees", "What do the numbers inside mean?", 60, True, True),
    Lesson(11, "11_past_99_percent.ipynb", "A CNN past 99%", "LeNet touches 99%; what takes us past it every time?", 90, True, True),
    Lesson(12, "12_fashion_mnist.ipynb", "Beyond digits: FashionMNIST", "Does it still work when it is harder?", 90, True, True),
    Lesson(13, "13_alexnet_ideas.ipynb", "AlexNet's ideas", "What changed in 2012?", 90, True, True),
    Lesson(14, "14_deeper.ipynb", "Deeper: VGG, ResNet and the receptive field", "Why not just add layers?", 75, True, True),
    Lesson(15, "15_data_parallel.ipynb", "More than one device", "How do several machines train one network?", 60, False, True),
    Lesson(16, "16_trained_network.ipynb", "Standing on a trained network", "What is a trained network worth when there are few images?", 60, False, True),
    Lesson(17, "17_bug_clinic.ipynb", "The bug clinic", "The network trains, and something is wrong: what?", 90, False, True),
    Lesson(18, "18_own_lenet.ipynb", "A LeNet of your own", "Is there anything in this network that you did not write?", 90, False, True),
)
# fmt: on


def navigation(lesson: Lesson) -> str:
    """The line of links to the written lessons before and after one, as its first cell has it."""
    written = [other for other in LESSONS if other.written or other is lesson]
    at = written.index(lesson)
    links = []
    if at > 0:
        before = written[at - 1]
        links.append(f"[← {before.number:02} {before.title}]({before.file})")
    if at + 1 < len(written):
        after = written[at + 1]
        links.append(f"[{after.number:02} {after.title} →]({after.file})")
    return " · ".join(links)


def course_map() -> str:
    """A table row for each lesson, as lesson 00 has them; only written lessons are linked."""
    return "\n".join(_row(lesson, folder="") for lesson in LESSONS)


def readme_table() -> str:
    """A table row for each lesson, as the README has them."""
    return "\n".join(
        f"{_row(lesson, folder='notebooks/')} {lesson.data} | {lesson.budget} s | {_minutes(lesson)} |"
        for lesson in LESSONS
    )


def _minutes(lesson: Lesson) -> str:
    return "{} min | {} min".format(*lesson.minutes) if lesson.written else "|"


def _row(lesson: Lesson, folder: str) -> str:
    title = f"[{lesson.title}]({folder}{lesson.file})" if lesson.written else lesson.title
    return f"| {lesson.number:02} | {title} | {lesson.question} |"
