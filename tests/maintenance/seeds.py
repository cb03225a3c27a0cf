"""Try what the lessons assert about trained networks with ten seeds, on MNIST and on the digits.

python tests/maintenance/seeds.py            every lesson that draws at random (hours, two cores)
python tests/maintenance/seeds.py 12 14      these lessons
python tests/maintenance/seeds.py --report   only prints what is known, a line for each assertion

Each lesson's code runs as it is stored, with every seed that it gives to torch moved by 1,000 for
the second trial, by 2,000 for the third, and so on. An assertion that fails is recorded, and the
lesson goes on. A trial is kept in build/seeds, so that the command goes on where it was stopped,
and runs again only what has changed. The results of all are summed up in data/seeds.json.
"""

import argparse
import ast
import contextlib
import hashlib
import json
import math
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import matplotlib.pyplot as plt
import torch

from course_utils.lessons import LESSONS, Lesson
from course_utils.sources import DATA, FOLDERS, find_images

sys.path.append(str(Path(__file__).resolve().parents[1] / "helpers"))
from claims import Claims, is_about_an_early_end
from documents import WRITTEN, code_cells
from refresh import ROOT, imported

SUMMARY = DATA / "seeds.json"
KEPT = ROOT / "build" / "seeds"
SEEDS = 10
MOVED = 1000


def try_lesson(lesson: Lesson, seed: int) -> list[dict]:
    """Run a lesson's code in this process: the results of `Claims`, and an error as one of them."""
    from IPython.core.interactiveshell import InteractiveShell

    os.chdir(lesson.path.parent)
    plain = torch.manual_seed
    torch.manual_seed = lambda given: plain(given + MOVED * seed)
    shell, claims = InteractiveShell.instance(), Claims()
    claims.attach(shell)
    for cell in code_cells(lesson):
        claims.cell = cell.id
        with open(os.devnull, "w") as quiet, contextlib.redirect_stdout(quiet):
            ran = shell.run_cell(cell.source)
        if not ran.success:
            error = repr(ran.error_in_exec or ran.error_before_exec)
            claims.results.append({"cell": cell.id, "claim": error, "held": False, "parts": {}})
            break
        plt.close("all")
    return [result for result in claims.results if result["held"] is not None]


def draws(lesson: Lesson) -> bool:
    """Whether it gives a seed to torch. (Lesson 15 does: for weights that only have to agree.)"""
    return lesson.number != 15 and any("_seed(" in cell.source for cell in code_cells(lesson))


def digest(lesson: Lesson) -> str:
    """Changes with the lesson's code and with the modules of the course that it imports."""
    code = "\n".join(cell.source for cell in code_cells(lesson))
    past = hashlib.sha256(code.encode())
    for module in sorted(imported(code)):
        past.update(module.read_bytes())
    return past.hexdigest()[:16]


def assertions(lesson: Lesson) -> str:
    """Changes with what the lesson asserts of its numbers."""
    found = [
        (cell.id, ast.get_source_segment(cell.source, node.test))
        for cell in code_cells(lesson)
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Assert) and not is_about_an_early_end(node)
    ]
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()[:16]


def kept(lesson: Lesson, images: str, seed: int) -> Path:
    return KEPT / f"{lesson.number:02}-{images}-{seed}.json"


def known(lesson: Lesson, images: str, seed: int) -> dict | None:
    """The kept trial of the lesson as it stands now."""
    path = kept(lesson, images, seed)
    if path.exists():
        trial = json.loads(path.read_text(encoding="utf-8"))
        if trial["digest"] == digest(lesson):
            return trial
    return None


def try_course(lessons: list[Lesson], images: str, seed: int) -> None:
    """Try lessons in the order of the course: the LeNet that 09 keeps is what 10 looks at."""
    environment = {
        **os.environ,
        "COURSE_RUNS_DIR": str(KEPT / f"runs-{images}-{seed}"),
        "COURSE_DEVICE": "cpu",
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "agg",
        "TQDM_DELAY": "1000000",
        "PYTHONPATH": str(ROOT),
    }
    if images != "mnist":
        environment["COURSE_DATA_DIR"] = "digits"
    for lesson in lessons:
        if known(lesson, images, seed) is None:
            words = [sys.executable, __file__, "--one", str(lesson.number), images, str(seed)]
            said = subprocess.run(words, env=environment, capture_output=True, text=True)
            if said.returncode:
                print(said.stderr[-2000:], flush=True)
                raise SystemExit(f"lesson {lesson.number:02}, {images}, seed {seed}: stopped")
            trial = known(lesson, images, seed)
            failed = [r for r in trial["results"] if not r["held"]]
            print(
                f"{lesson.number:02} {images:7} seed {seed}: {len(trial['results'])} assertions",
                *(f"\n   failed: {r['cell']}: {r['claim']} {r['parts']}" for r in failed),
                flush=True,
            )


def courses(lessons: list[Lesson]) -> Iterator[tuple[list[Lesson], str, int]]:
    """Which lessons to try with which images and seed, the quick ones first."""
    for images in ("shipped", "digits", "mnist"):
        wanted = [x for x in lessons if draws(x) and x.real_images == (images != "shipped")]
        for seed in range(SEEDS) if wanted else ():
            yield wanted, images, seed


def summary() -> dict:
    """What is known of each lesson as it stands.

    For each lesson and its images: "seeds" (how many were tried), "fixed" (how many assertions
    have no margin, or the same one with each seed: each held with all), and "claims", for the
    others: the cell, the comparison, how often it was "tried" and "held", the least and greatest
    of each compared number (one number where they are equal) and the smallest margin.
    """
    lessons = {}
    for lesson in filter(draws, WRITTEN):
        for images in ("mnist", "digits") if lesson.real_images else ("shipped",):
            trials = [known(lesson, images, seed) for seed in range(SEEDS)]
            trials = [trial for trial in trials if trial is not None]
            if trials:
                entry = lessons.setdefault(f"{lesson.number:02}", {"assertions": None})
                entry["assertions"] = assertions(lesson)
                entry[images] = {"seeds": len(trials), **_summed(trials)}
    made = {"command": "python tests/maintenance/seeds.py", "python": platform.python_version()}
    return {"made": {**made, "torch": torch.__version__}, "lessons": lessons}


def _summed(trials: list[dict]) -> dict:
    by_claim = {}
    for trial in trials:
        for result in trial["results"]:
            by_claim.setdefault((result["cell"], result["claim"]), []).append(result)
    claims, fixed = [], 0
    for (cell, claim), results in by_claim.items():
        held = sum(result["held"] for result in results)
        counts = {"cell": cell, "tried": len(results), "held": held}
        parts = {name: [] for result in results for name in result["parts"]}
        for name, seen in parts.items():
            seen += [result["parts"][name] for result in results if name in result["parts"]]
        varied = {
            name: seen for name, seen in parts.items() if len({one["margin"] for one in seen}) > 1
        }
        for name, seen in varied.items():
            values = [
                _range(column) for column in zip(*(one["values"] for one in seen), strict=True)
            ]
            margin = _short(min(one["margin"] for one in seen))
            claims.append({**counts, "claim": name, "values": values, "margin": margin})
        if not varied and held == len(results):
            fixed += 1
        elif not varied:
            claims.append({**counts, "claim": claim})
    return {"fixed": fixed, "claims": claims}


def _range(numbers: tuple[float, ...]) -> float | list[float]:
    least, greatest = _short(min(numbers)), _short(max(numbers))
    return least if least == greatest else [least, greatest]


def _short(number: float) -> float:
    """Four significant digits are enough to judge a margin by."""
    return float(f"{number:.4g}") if math.isfinite(number) else number


def write_summary() -> None:
    """Keep what is known of lessons that were tried here, and what stood there of the others."""
    whole = summary()
    if SUMMARY.exists():
        before = json.loads(SUMMARY.read_text(encoding="utf-8"))["lessons"]
        whole["lessons"] = dict(sorted({**before, **whole["lessons"]}.items()))
    SUMMARY.write_text(_claim_a_line(whole) + "\n", encoding="utf-8")


def _claim_a_line(whole: dict) -> str:
    """JSON for people to read: indented, but each claim on one line."""
    claims = []

    def set_aside(entry: object) -> object:
        if isinstance(entry, dict) and "cell" in entry:
            claims.append(json.dumps(entry, ensure_ascii=False))
            return f"claim {len(claims) - 1}"
        if isinstance(entry, dict):
            return {key: set_aside(value) for key, value in entry.items()}
        return [set_aside(one) for one in entry] if isinstance(entry, list) else entry

    text = json.dumps(set_aside(whole), indent=1)
    return re.sub(r'"claim (\d+)"', lambda found: claims[int(found[1])], text)


def report() -> None:
    """Print every assertion that varies: its numbers over the seeds and its smallest margin."""
    for number, entry in summary()["lessons"].items():
        for images in entry.keys() - {"assertions"}:
            tried = entry[images]
            print(f"\n{number} {images}: {tried['seeds']} seeds, {tried['fixed']} that never vary")
            for claim in sorted(tried["claims"], key=lambda claim: claim["held"]):
                held, margin = claim["held"], claim.get("margin", "-")
                print(
                    f"  {held:2} of {tried['seeds']}  margin {margin!s:9} {claim['cell']}: ", end=""
                )
                print(claim["claim"], *claim.get("values", ()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("lessons", nargs="*", type=int, help="numbers of lessons; none: all")
    parser.add_argument("--report", action="store_true", help="only print what is known")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    if asked.one:
        number, images, seed = asked.one
        lesson = LESSONS[int(number)]
        trial = {"digest": digest(lesson), "results": try_lesson(lesson, int(seed))}
        path = kept(lesson, images, int(seed))
        path.with_suffix(".new").write_text(json.dumps(trial), encoding="utf-8")
        path.with_suffix(".new").replace(path)
        sys.stdout.flush()
        os._exit(0)  # whatever a lesson has left running
    if not asked.report:
        if not all(find_images(name) for name in FOLDERS):
            raise SystemExit(
                "MNIST and FashionMNIST are needed: set COURSE_DATA_DIR to their folder."
            )
        wanted = [x for x in WRITTEN if not asked.lessons or x.number in asked.lessons]
        if {10, 11} & {x.number for x in wanted} and LESSONS[9] not in wanted:
            wanted.insert(0, LESSONS[9])
        try:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                for done in [pool.submit(try_course, *course) for course in courses(wanted)]:
                    done.result()
        finally:  # also of what was tried before an interrupt
            write_summary()
    report()
