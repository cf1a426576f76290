"""The pictures of the README: the Design page, and a drag with the first minute of a training as an animation.

`python -m benchmarks.pictures [--out docs] [--seconds 60]`

Needs requirements-dev.txt, Chromium and MNIST. Starts a dashboard with a store of its own, drives it in a real
Chromium, and writes design.png and design-to-training.gif.
"""

import argparse
import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, ViewportSize, sync_playwright

SIZE: ViewportSize = {"width": 1280, "height": 900}
WIDTH = 820  # of the animation, pixels
COLOURS = 160
MOST_BYTES = 3_000_000
DRAG_FRAMES, DRAG_MS = 16, 110
TRAIN_EVERY_SECONDS, TRAIN_MS = 2.0, 260


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs"), help="the folder that gets the pictures")
    parser.add_argument("--seconds", type=float, default=60, help="of training in the animation (default 60)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _dashboard(Path(folder)) as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(address)
        page.locator(".block .edge").first.wait_for(timeout=60_000)
        page.wait_for_timeout(1_500)
        page.screenshot(path=asked.out / "design.png")
        frames = [*_drag(page), *_training(page, asked.seconds)]
        browser.close()
    _write(frames, asked.out / "design-to-training.gif")


def _drag(page: Page) -> Iterator[tuple[bytes, int]]:
    """An edge pulled until the budget is passed, and back within it."""
    box = page.locator(".block .edge").nth(2).bounding_box()
    if box is None:
        raise SystemExit("no block with an edge is in sight")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    outward = [step * 8 for step in range(DRAG_FRAMES // 2)]
    for offset in [*outward, *outward[::-1]]:
        page.mouse.move(x + offset, y)
        yield page.screenshot(), DRAG_MS
    page.mouse.up()
    page.wait_for_timeout(1_500)
    yield page.screenshot(), 600


def _training(page: Page, seconds: float) -> Iterator[tuple[bytes, int]]:
    page.get_by_role("button", name="Start training").click()
    page.get_by_role("heading", name="Train", exact=True).wait_for(timeout=60_000)
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        yield page.screenshot(), TRAIN_MS
        page.wait_for_timeout(1_000 * TRAIN_EVERY_SECONDS)
    yield page.screenshot(), 2_500


def _write(frames: list[tuple[bytes, int]], path: Path) -> None:
    """The frames as a GIF with one palette. Raises SystemExit where it is too large."""
    pictures = [Image.open(io.BytesIO(picture)).convert("RGB") for picture, _ in frames]
    height = round(SIZE["height"] * WIDTH / SIZE["width"])
    small = [picture.resize((WIDTH, height), Image.Resampling.LANCZOS) for picture in pictures]
    both = Image.new("RGB", (WIDTH, 2 * height))  # the palette serves the first page and the last
    both.paste(small[0])
    both.paste(small[-1], (0, height))
    palette = both.quantize(COLOURS)
    first, *rest = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in small]
    first.save(path, save_all=True, append_images=rest, duration=[shown for _, shown in frames], loop=0, optimize=True)
    size = path.stat().st_size
    print(f"{path}: {len(frames)} frames, {size:,} bytes")
    if size > MOST_BYTES:
        raise SystemExit(f"{path}: {size:,} bytes: at most {MOST_BYTES:,}; take fewer --seconds")


@contextmanager
def _dashboard(folder: Path) -> Iterator[str]:
    """A dashboard on a free port, with a store in `folder`; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://localhost:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.port", str(port)],
        env={**os.environ, "MNISTNET_STORE": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health").close()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
