"""Make data/x-ray.png, the README's picture: the exported X-ray in Chromium, with one way drawn.

python tests/maintenance/make_picture.py

The picture carries a digest of the page that it shows, by which a test sees that it is out of date.
"""

import hashlib
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

sys.path.append(str(Path(__file__).resolve().parents[1] / "helpers"))
from browser import chromium

from course_utils.checkpoints import load_weights
from course_utils.sources import DATA
from course_utils.views import export_xray

PICTURE = DATA / "x-ray.png"
CHOSEN = "fc 3"  # the layer whose largest unit is clicked: its way goes through the whole network
SIZE = {"width": 1280, "height": 760}


def page(folder: Path) -> Path:
    """The X-ray of the LeNet that ships, as `export_xray` writes it."""
    model, recipe = load_weights("lenet", data="mnist")
    return export_xray(model, folder / "lenet.html", recipe["inputs"])


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def photograph(file: Path) -> bytes:
    """The page after a click on the unit that answers, as PNG."""
    with chromium() as browser:
        tab = browser.new_page(viewport=SIZE, device_scale_factor=1.5, reduced_motion="reduce")
        tab.goto(file.as_uri())
        panel = tab.locator(".xray-panel", has_text=CHOSEN)
        canvas = panel.locator("canvas").bounding_box()
        read = int(tab.locator(".xray-verdict").text_content().split()[2].rstrip(","))
        tab.mouse.click(
            canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] * (read + 0.5) / 10
        )
        tab.mouse.move(0, 0)
        return tab.locator(".view").first.screenshot(animations="disabled")


def make() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = page(Path(folder))
        picture = Image.open(io.BytesIO(photograph(file))).convert("RGB")
        note = PngInfo()
        note.add_text("page", digest(file))
    picture.save(PICTURE, pnginfo=note, optimize=True)


if __name__ == "__main__":
    make()
    print(f"{PICTURE}: {PICTURE.stat().st_size // 1024} kB")
