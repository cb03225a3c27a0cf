"""The page's JavaScript as modules: each in a scope of its own, whatever is put together."""

import random
import re
from itertools import chain, combinations, pairwise

import pytest

from course_utils.views.bundler import PAGE, bundle, gather

NAMES = sorted(path.relative_to(PAGE).as_posix() for path in PAGE.rglob("*.js"))

#: Imports some modules; what each exports by default. A module is given as the numbers of the
#: parts of its text, so that a part that many modules have in common is sent once.
IMPORT = """([parts, modules]) => Promise.all(modules.map(async (numbers) => {
    const text = numbers.map((number) => parts[number]);
    const url = URL.createObjectURL(new Blob(text, { type: "text/javascript" }));
    const { default: exported } = await import(url);
    URL.revokeObjectURL(url);
    return exported;
}))"""


@pytest.fixture
def folder(tmp_path):
    """Writes files, given by name, into a folder; "inner/a.js" into a folder of its own."""

    def write(files):
        for name, code in files.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(code, encoding="utf-8")
        return tmp_path

    return write


@pytest.mark.parametrize("name", NAMES)
def test_no_text_goes_on_over_the_end_of_its_line(name):
    """The bundler takes away the spaces that lines begin with, which would be part of it."""
    lines = (PAGE / name).read_text(encoding="utf-8").splitlines()
    code = [line for line in lines if not line.lstrip().startswith(("*", "//"))]
    assert [line for line in code if line.count("`") % 2] == []


def imported(page, *modules):
    """What modules export by default; each is given as text, in as many parts as one likes."""
    modules = [[module] if isinstance(module, str) else module for module in modules]
    numbers = {part: number for number, part in enumerate(dict.fromkeys(chain(*modules)))}
    numbered = [[numbers[part] for part in module] for module in modules]
    answers = page.evaluate(IMPORT, [list(numbers), numbered])
    assert page.errors == []
    return answers


def parts(code):
    """What the bundler makes of some files, cut before each of them."""
    return re.split(r"^(?=\$modules\[)", code, flags=re.MULTILINE)


def test_every_two_files_can_be_loaded_together(page):
    """And each by itself, with nothing declared twice and nothing missing."""
    alone = {name: parts(gather(name)) for name in NAMES}

    def together(*names):
        """What gather makes of some files: the parts of each, but none of them twice."""
        return list(dict.fromkeys(chain(*(alone[name] for name in names))))

    some = random.Random(0).sample(list(combinations(NAMES, 2)), 200)
    for names in [NAMES, *pairwise(NAMES), *pairwise(reversed(NAMES)), *some]:
        assert "".join(together(*names)) == gather(*names)

    pairs = [*combinations(NAMES, 2), *((name,) for name in NAMES)]
    exported = "export default Object.keys($modules);\n"
    loaded = imported(page, *([*together(*pair), exported] for pair in pairs))
    for pair, modules in zip(pairs, loaded, strict=True):
        assert set(pair) <= set(modules) and len(modules) == len(set(modules))


def test_all_files_can_be_loaded_together(page):
    (exported,) = imported(
        page,
        gather(*NAMES) + "export default Object.entries($modules)"
        ".map(([name, exports]) => [name, Object.values(exports).filter((x) => x === undefined)]);",
    )
    assert sorted(name for name, _ in exported) == NAMES
    assert all(missing == [] for _, missing in exported)


def test_equal_names_in_two_files_stay_apart(page, folder):
    files = {
        "main.js": 'import { told } from "./one.js";\n'
        'import { told as toldByTwo } from "./inner/two.js";\n'
        "const mine = 0;\n"
        "export default [mine, told(), toldByTwo()];\n",
        "one.js": "const mine = 1;\nexport function told() {\n  return mine;\n}\n",
        "inner/two.js": "const mine = 2;\nexport const told = () => mine;\n",
    }
    assert imported(page, bundle("main.js", folder(files))) == [[0, 1, 2]]


def test_every_form_of_import_and_export(page, folder):
    files = {
        "main.js": 'import {\n  Shape,\n  area as size,\n} from "./inner/shapes.js";\n'
        'import square from "./inner/shapes.js";\n'
        'import * as all from "./inner/shapes.js";\n'
        'import Disc from "./disc.js";\n'
        "export default [size(new Shape(3)), square(4), Object.keys(all).sort(),\n"
        "  new Disc(2).area()];\n",
        "disc.js": 'import { Shape } from "./inner/shapes.js";\n'
        "export default class extends Shape {\n"
        "  area() {\n    return 3 * this.side ** 2;\n  }\n}\n",
        "inner/shapes.js": 'import { power } from "../powers.js";\n'
        "export class Shape {\n  constructor(side) {\n    this.side = side;\n  }\n}\n"
        "function measured({ side }) {\n  return square(side);\n}\n"
        "export { measured as area, power };\n"
        "export default function square(side) {\n  return power(side, 2);\n}\n",
        "powers.js": "export const power = (base, exponent) => base ** exponent;\n",
    }
    (answer,) = imported(page, bundle("main.js", folder(files)))
    assert answer == [9, 16, ["Shape", "area", "default", "power"], 12]


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (
            'import { b } from "./b.js";\nexport const a = b;\n',
            r"files that import each other: a\.js → b\.js → a\.js\.",
        ),
        (
            'import { h, c } from "./c.js";\nexport const a = c;\n',
            r"a\.js imports h from c\.js, which does not export it\.",
        ),
        (
            "export let a = 1;\n",
            r"a\.js: this form cannot be put into one module: export let a = 1;",
        ),
        (
            'export * from "./c.js";\n',
            r'a\.js: this form cannot be put into one module: export \* from "\./c\.js";',
        ),
        (
            'import "./c.js";\n',
            r'a\.js: this form cannot be put into one module: import "\./c\.js";',
        ),
        (
            "import { c } from './c.js';\n",
            r"a\.js: this form cannot be put into one module: import \{ c \} from '\./c\.js';",
        ),
        (
            'import { c } from "./c.js"\n',
            r'a\.js: this form cannot be put into one module: import \{ c \} from "\./c\.js"',
        ),
        (
            'export const a = [1, "]", 2],\n  b = 2;\n',
            r'a\.js: this form cannot be put into one module: export const a = \[1, "\]", 2\],',
        ),
    ],
)
def test_what_cannot_be_put_together_is_refused(folder, code, sentence):
    files = {
        "a.js": code,
        "b.js": 'import { a } from "./a.js";\nexport const b = a;\n',
        "c.js": "export const c = 1;\n",
    }
    with pytest.raises(ValueError, match=sentence):
        bundle("a.js", folder(files))
