"""Draws the README's picture of the preview's page, in a headless Chromium of the system.

python -m benchmarks.preview_picture OUT IMAGE [--out docs/preview.png]

OUT is an exported model, IMAGE what is dropped on the page. Needs a Chromium, and Playwright, which
is pointed at it.
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

from kerasseg.command_line import program
from kerasseg.errors import KerassegError
from kerasseg.files import atomic_file
from kerasseg.serving.preview import ServedModel, preview_in_background

NAMES = ("chromium", "chromium-browser", "google-chrome")
WIDTH, HEIGHT = 1100, 640


@program
def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", metavar="OUT")
    parser.add_argument("image", type=Path, metavar="IMAGE")
    parser.add_argument("--out", type=Path, default=Path("docs/preview.png"))
    options = parser.parse_args(arguments)
    if not options.image.is_file():
        raise KerassegError(f"no such image file: {options.image}.")
    with preview_in_background(ServedModel(options.model)) as address:
        picture = _picture(address, options.image)
    with atomic_file(options.out) as temporary:
        temporary.write_bytes(picture)


def _picture(address: str, image: Path) -> bytes:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_chromium(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.set_default_timeout(120_000)
        page.goto(address)
        page.wait_for_selector("#status.good")
        # The first answer takes longer than those that follow, and the page shows how long.
        for _ in range(2):
            page.set_input_files("#file", image)
            page.wait_for_selector("#drop:not(.busy)")
            page.wait_for_selector("#legend:visible, #error:visible")
        if page.is_visible("#error"):
            raise KerassegError(page.inner_text("#error"))
        return page.screenshot(full_page=True)


def _chromium() -> str:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise KerassegError(f"none of {', '.join(NAMES)} is installed; install one of them.")
    return found


if __name__ == "__main__":
    raise SystemExit(main())
