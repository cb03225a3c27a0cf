"""The machine report: it says what is wrong, and never stops with an error."""

import subprocess
import sys

import ipywidgets
import pytest
import torch

from course_utils import machine


@pytest.mark.slow
def test_the_terminal_shows_the_report():
    done = subprocess.run(
        [sys.executable, "-m", "course_utils"], capture_output=True, text=True, check=True
    )
    for topic in ("Python", "packages", "torchvision", "device", "images", "speed"):
        assert f"\n{topic}" in f"\n{done.stdout}"
    assert "images a second" in done.stdout and "digits: 1,797 images" in done.stdout


@pytest.fixture
def report(monkeypatch):
    monkeypatch.setattr(machine, "speed", lambda seconds: ["not measured"])
    return machine.report


def test_a_missing_package_is_named(report, monkeypatch):
    version = machine.metadata.version

    def without_widgets(name):
        if name == "ipywidgets":
            raise machine.metadata.PackageNotFoundError(name)
        return "0.1" if name == "numpy" else version(name)

    monkeypatch.setattr(machine.metadata, "version", without_widgets)
    said = report()
    assert "missing: ipywidgets; `pip install -r requirements.txt`" in said
    assert "the stored outputs were made with numpy 2." in said


def test_a_torchvision_of_another_torch_is_recognised(report, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)  # as if its import failed
    said = report()
    assert "torchvision  cannot be imported" in said and "not a pair" in said


def test_a_wrong_data_folder_is_named(report, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "nowhere"))
    said = report()
    assert "mnist: COURSE_DATA_DIR is" in said and "digits: 1,797" in said


def test_the_device_is_explained(report, monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "cpu")
    assert "cpu: COURSE_DEVICE says so" in report()
    monkeypatch.delenv("COURSE_DEVICE")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert "cpu: torch finds no CUDA GPU" in report()


def test_what_breaks_does_not_break_the_report(report, monkeypatch):
    def broken():
        raise RuntimeError("the driver is too old")

    monkeypatch.setattr(torch.cuda, "is_available", broken)
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    assert "device       cannot be used: the driver is too old" in report()


def test_measuring_changes_no_random_numbers():
    torch.manual_seed(0)
    assert "images a second" in "\n".join(machine.speed(0.01))
    after = torch.rand(1)
    torch.manual_seed(0)
    assert torch.equal(after, torch.rand(1))


def test_the_widget_line_changes_when_the_page_answers():
    line, probe = machine.widget_check().children
    assert isinstance(line, ipywidgets.HTML) and "do not answer yet" in line.value
    probe.seen = True  # what the page does
    assert "Widgets answer:" in line.value
