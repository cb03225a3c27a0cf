"""The patients of lesson 17: each is ill as its bed says, and a healthy training is as taught."""

import inspect
import math

import pytest
import torch
from documents import WRITTEN, code_cells

from course_utils.shown.clinic import LAYERS, PATIENTS, Healthy, Network, examine, lines, weights

every_bed = pytest.mark.parametrize("bed", PATIENTS)


@pytest.fixture(scope="module")
def short(request):
    """Charts of trainings of a single epoch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Healthy, "epochs", 1)
        yield {bed: examine(bed) for bed in ("", "A3", "B2", "C1", "C3")}


@every_bed
def test_a_patient_differs_in_one_method(bed):
    """What a reader is shown as the fault is all that there is."""
    methods = [name for name, value in vars(PATIENTS[bed]).items() if inspect.isfunction(value)]
    assert len(methods) == 1 and hasattr(Healthy, methods[0])
    (shown,) = {line for line in lines(bed).splitlines() if line.startswith("def ")}
    assert shown.startswith(f"def {methods[0]}(")
    compile(lines(bed), bed, "exec")


@every_bed
def test_a_patient_names_its_fault(bed):
    assert lines(bed).startswith(f"# {inspect.getdoc(PATIENTS[bed])}\n")
    assert inspect.getdoc(PATIENTS[bed]) != inspect.getdoc(Healthy)


def test_the_step_is_that_of_the_lesson():
    """Line by line but for the owner, so that the healthy training is the one that is taught."""
    step = inspect.getsource(Healthy.step).partition("\n")[2]
    (lesson,) = (lesson for lesson in WRITTEN if lesson.number == 17)
    (taught,) = (cell.source for cell in code_cells(lesson) if cell.id == "train-step")
    assert [line.strip() for line in step.splitlines()] == [
        line.strip() for line in taught.splitlines()[1:]
    ]


def test_a_chart_has_a_number_for_each_step_and_layer(short):
    chart = short[""]
    assert len(chart.loss) == len(chart.gradients) == len(chart.ratios) == math.ceil(1437 / 64)
    assert {len(row) for row in chart.gradients + chart.ratios} == {len(LAYERS)}
    assert len(chart.test_accuracy) == len(chart.train_accuracy) == len(chart.test_loss) == 1
    assert not chart.network.training


def test_the_batch_of_a_chart_is_the_first_one_of_the_training(short):
    torch.manual_seed(0)
    Network()
    x, y = next(iter(Healthy().batches(*short[""].train)))
    assert torch.equal(x, short[""].batch[0]) and torch.equal(y, short[""].batch[1])


def test_the_same_seed_gives_the_same_chart(short):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Healthy, "epochs", 1)
        assert examine("").loss == short[""].loss
        assert examine("", seed=1).loss != short[""].loss


def test_looking_does_not_change_the_training(short):
    """The losses are those of the bare steps."""
    torch.manual_seed(0)
    how, network = Healthy(), Network()
    optimizer = how.optimizer(network)
    losses = [how.step(network, optimizer, x, y) for x, y in how.batches(*short[""].train)]
    assert losses == pytest.approx(short[""].loss, abs=1e-6)


def test_dead_units_send_no_gradient(short):
    assert not any(map(any, short["A3"].gradients))
    assert all(map(all, short[""].gradients))


def test_sorted_batches_hold_one_class(short):
    assert short["B2"].batch[1].unique().tolist() == [0]


def test_a_training_in_evaluation_mode_leaves_the_statistics(short):
    norm = short["C1"].network.norm
    assert not norm.running_mean.any() and (norm.running_var == 1).all()
    assert short[""].network.norm.running_mean.any()


def test_frozen_layers_have_no_gradient_and_do_not_move(short):
    chart = short["C3"]
    assert all(math.isnan(norm) for row in chart.gradients for norm in row[:3])
    assert not any(ratio for row in chart.ratios for ratio in row[:3])
    assert [weight.requires_grad for weight in weights(chart.network)] == [False] * 3 + [True]


def test_a_bed_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="no bed 'Z9'; the beds are A1, A2"):
        examine("Z9")
