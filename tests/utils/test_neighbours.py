"""Beside other busy programs training takes fewer threads, says so, and takes them back."""

import math
import os
import subprocess
import sys

import psutil
import pytest
import torch

from course_utils.internals import neighbours

CPU = torch.device("cpu")


@pytest.fixture
def quiet(monkeypatch):
    """A machine of four cores on which nobody has said how many threads to use."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(neighbours, "DEFAULT_THREADS", 4)
    monkeypatch.setattr(neighbours, "_threads_set", 4)
    before = torch.get_num_threads()
    torch.set_num_threads(4)

    def measures(*percent: float) -> None:
        given = iter(percent)
        monkeypatch.setattr(neighbours, "_looked_at", -math.inf)
        monkeypatch.setattr(psutil, "cpu_percent", lambda interval: next(given))

    yield measures
    torch.set_num_threads(before)


def test_a_busy_program_costs_a_thread_until_it_ends(quiet, capsys):
    quiet(30, 26)
    neighbours.adapt_threads(CPU)
    assert torch.get_num_threads() == 3
    assert "keep 1.0 of 4 cores busy. Training uses 3 of 4 threads" in capsys.readouterr().out
    quiet(27, 28)
    neighbours.adapt_threads(CPU)
    assert torch.get_num_threads() == 3 and capsys.readouterr().out == ""
    quiet(2, 3)
    neighbours.adapt_threads(CPU)
    assert torch.get_num_threads() == 4
    assert "uses 4 threads again" in capsys.readouterr().out


@pytest.mark.parametrize("percent", [(3, 4), (90, 5), (5, 90), (15, 17)])
def test_short_or_small_work_of_others_costs_nothing(quiet, capsys, percent):
    quiet(*percent)
    neighbours.adapt_threads(CPU)
    assert torch.get_num_threads() == 4 and capsys.readouterr().out == ""


def test_a_number_that_the_reader_chose_stays(quiet, capsys):
    quiet(2, 2)
    torch.set_num_threads(2)
    neighbours.adapt_threads(CPU)
    assert torch.get_num_threads() == 2 and capsys.readouterr().out == ""


def test_it_is_looked_once_in_a_while(quiet):
    quiet(100, 100)
    neighbours.adapt_threads(CPU)
    neighbours.adapt_threads(CPU)  # a third and a fourth number are not there
    assert torch.get_num_threads() == 1


def test_a_gpu_needs_no_room(quiet):
    quiet()
    neighbours.adapt_threads(torch.device("cuda"))
    assert torch.get_num_threads() == 4


def test_one_thread_is_left_on_a_full_machine(quiet):
    quiet(100, 100)
    neighbours.adapt_threads(CPU)
    assert torch.get_num_threads() == 1


def test_what_the_reader_has_set_stays(quiet, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    quiet(100, 100)
    neighbours.adapt_threads(CPU)
    assert torch.get_num_threads() == 4


def test_real_busy_programs_are_noticed(monkeypatch, capsys):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(neighbours, "DEFAULT_THREADS", 2)
    monkeypatch.setattr(neighbours, "_threads_set", 2)
    monkeypatch.setattr(neighbours, "_looked_at", -math.inf)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    busy = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        neighbours.adapt_threads(CPU)
        assert torch.get_num_threads() == 1
        assert "Training uses 1 of 2 threads" in capsys.readouterr().out
    finally:
        torch.set_num_threads(before)
        for program in busy:
            program.kill()
            program.wait()
