"""The page in a headless Chromium: what is drawn, and what is said."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from kerasseg.serving import export_saved_model
from kerasseg.serving.preview import PreviewOptions, ServedModel, preview_in_background
from tests.browser import headless_chromium
from tests.serving.examples import constant_model, encoded, picture, tiny_model
from tests.serving.preview.conftest import LABELS

pytestmark = pytest.mark.slow

PICTURE = picture(48, 64)
CONNECTED = "#status.good, #status.bad"
PIXELS = """() => {
  const canvas = document.getElementById("canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return [canvas.width, canvas.height, Array.from(data)];
}"""
DROP = """([text, type]) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], "picture", { type }));
  const event = new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true });
  document.getElementById("drop").dispatchEvent(event);
}"""
PASTE = """([text, type]) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File([bytes], "picture", { type }));
  document.dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
}"""
READ_MASK = """async (text) => {
  const { readMask } = await import("/page/mask_png.js");
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const { width, height, ids } = await readMask(bytes);
  return [width, height, Array.from(ids)];
}"""


@pytest.fixture(scope="module")
def browser():
    with headless_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(model):
    with preview_in_background(model) as address:
        yield address


@pytest.fixture
def page(browser, address):
    page = browser.new_page()
    page.mistakes = []
    page.on("pageerror", lambda error: page.mistakes.append(str(error)))
    page.set_default_timeout(60_000)
    page.goto(address)
    page.wait_for_selector(CONNECTED)
    page.bring_to_front()  # the keys go to the page that is in front
    yield page
    assert page.mistakes == []
    page.close()


def give(page, image, kind="image/png"):
    page.set_input_files("#file", {"name": "picture", "mimeType": kind, "buffer": image})


def ask(page, address):
    page.fill("#address", address)
    page.click("button")
    page.wait_for_selector(CONNECTED)


def drawn(page):
    page.wait_for_selector("#legend:visible")
    page.wait_for_selector("#drop:not(.busy)")
    width, height, values = page.evaluate(PIXELS)
    return np.array(values).reshape(height, width, 4)[..., :3]


def legend(page):
    rows = page.query_selector_all("#legend tbody tr")
    return [[cell.inner_text() for cell in row.query_selector_all("td")] for row in rows]


def predicted(image=PICTURE):
    return tiny_model().predict(image[None], verbose=0)[0].argmax(-1)


def mixed(image, mask, opacity):
    colours = np.array(LABELS.colours)[mask]
    return image + opacity * (colours - image.astype(float))


def test_a_picture_is_drawn_under_its_classes_with_a_legend_of_shares(page, address):
    ask(page, f"{address}v1/models/tiny/versions/1")
    give(page, encoded(PICTURE))
    mask = predicted()
    # A canvas rounds the opacity and what it blends to 8 bits.
    np.testing.assert_allclose(drawn(page), mixed(PICTURE, mask, 0.5), atol=2)
    shares = np.bincount(mask.ravel(), minlength=5) / mask.size
    order = [each for each in np.argsort(-shares, kind="stable") if shares[each]]
    assert legend(page) == [
        [LABELS.class_names[each], f"{100 * shares[each]:.1f} %"] for each in order
    ]
    first = page.locator("#legend .chip").first
    wanted = f"rgb({', '.join(map(str, LABELS.colours[order[0]]))})"
    assert first.evaluate("chip => getComputedStyle(chip).backgroundColor") == wanted
    assert "64x48 pixels, mean confidence" in page.inner_text("#facts")


@pytest.mark.parametrize(("opacity", "share"), [("0", 0.0), ("100", 1.0), ("25", 0.25)])
def test_the_slider_sets_the_opacity(page, address, opacity, share):
    ask(page, f"{address}v1/models/tiny/versions/1")
    give(page, encoded(PICTURE))
    page.wait_for_selector("#legend:visible")
    page.locator("#opacity").fill(opacity)
    np.testing.assert_allclose(drawn(page), mixed(PICTURE, predicted(), share), atol=2)
    assert page.inner_text("#opacity-shown") == f"{opacity} %"


def test_a_picture_is_dropped_and_the_latest_version_answers(page):
    assert "version 2" in page.inner_text("#status")
    image = encoded(PICTURE, "JPEG")
    page.evaluate(DROP, [base64.b64encode(image).decode(), "image/jpeg"])
    assert drawn(page).shape == (48, 64, 3)
    assert legend(page) == [["tree", "100.0 %"]]
    with page.expect_download() as download:
        page.click("#mask")
    mask = np.asarray(Image.open(download.value.path()))
    assert (mask == 3).all()


def test_a_turned_photo_stands_upright_under_its_mask(page, address):
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    Image.fromarray(PICTURE).save(stream, "JPEG", quality=95, exif=exif)
    ask(page, f"{address}v1/models/tiny/versions/1")
    give(page, stream.getvalue(), "image/jpeg")
    page.wait_for_selector("#legend:visible")
    page.locator("#opacity").fill("0")
    upright = np.rot90(PICTURE, -1)
    assert drawn(page).shape == upright.shape
    assert np.abs(drawn(page) - upright).mean() < 6


def test_what_is_no_picture_gets_the_server_s_reason_and_the_next_one_is_drawn(page):
    give(page, b"no picture")
    page.wait_for_selector("#error:visible")
    assert "cannot be decoded" in page.inner_text("#error")
    give(page, encoded(PICTURE))
    assert drawn(page).shape == (48, 64, 3)
    assert page.is_hidden("#error")


def test_another_server_is_asked_where_it_lets_this_page(page, base, tmp_path):
    other = export_saved_model(constant_model(3, winner=1), tmp_path / "other", warmup_images=())
    with preview_in_background(ServedModel(other), PreviewOptions(port=0)) as closed:
        ask(page, f"{closed}v1/models/other")
        page.wait_for_selector("#status.bad")
        assert "--rest_api_enable_cors_support" in page.inner_text("#status")
    with preview_in_background(ServedModel(other), PreviewOptions(port=0, cors=True)) as open_:
        ask(page, f"{open_}v1/models/other")
        page.wait_for_selector("#status.good")
        give(page, encoded(PICTURE))
        drawn(page)
        assert legend(page) == [["class 1", "100.0 %"]]
    ask(page, f"{closed}v1/models/other")
    page.wait_for_selector("#status.bad")
    assert "is the server running?" in page.inner_text("#status")


@pytest.mark.parametrize(("size", "enlarged"), [((90, 120), True), ((480, 640), False)])
def test_a_small_picture_fills_the_width_with_pixels_that_can_be_told_apart(page, size, enlarged):
    give(page, encoded(picture(*size)))
    assert drawn(page).shape[:2] == size
    canvas = page.locator("#canvas")
    place, box = page.locator("#drop").bounding_box(), canvas.bounding_box()
    assert box["width"] == pytest.approx(place["width"], abs=10)
    assert box["height"] <= 0.78 * page.viewport_size["height"] + 1
    rendering = canvas.evaluate("canvas => getComputedStyle(canvas).imageRendering")
    assert rendering == ("pixelated" if enlarged else "auto")


def focused(page):
    return page.evaluate("document.activeElement.id || document.activeElement.tagName")


def test_the_keyboard_does_all_that_the_mouse_does(page):
    # Listened to from here: the browser is told of it without being waited for, and a chooser that
    # opens before it knows is never heard of.
    page.on("filechooser", lambda chooser: None)
    visited = []
    for _ in range(4):
        page.keyboard.press("Tab")
        visited.append(focused(page))
        if visited[-1] == "file":
            outline = "place => getComputedStyle(place).outlineStyle"
            assert page.locator("#drop").evaluate(outline) == "solid"
            with page.expect_file_chooser() as chooser:
                page.keyboard.press("Space")
            file = {"name": "picture", "mimeType": "image/png", "buffer": encoded(PICTURE)}
            chooser.value.set_files(file)
    assert visited == ["address", "BUTTON", "file", "opacity"]
    page.wait_for_selector("#legend:visible")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#opacity-shown") == "51 %"
    page.keyboard.press("Tab")
    assert focused(page) == "mask"
    assert "tree 100.0 %" in page.get_attribute("#canvas", "aria-label")


def test_a_picture_is_pasted(page):
    page.evaluate(PASTE, [base64.b64encode(encoded(PICTURE)).decode(), "image/png"])
    assert drawn(page).shape == (48, 64, 3)


@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_shows_all_of_it_without_a_sideways_scroll(page, width):
    page.set_viewport_size({"width": width, "height": 640})
    ask(page, "http://127.0.0.1:1/v1/models/" + "a_very_long_name_of_a_model" * 4)
    page.wait_for_selector("#status.bad")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.reload()
    page.wait_for_selector(CONNECTED)
    give(page, encoded(picture(90, 120)))
    drawn(page)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    canvas, legend_box = (page.locator(each).bounding_box() for each in ("#canvas", "#legend"))
    assert canvas["width"] > 0.85 * width
    assert legend_box["y"] > canvas["y"] + canvas["height"]


@pytest.mark.parametrize(("dtype", "top"), [(np.uint8, 255), (np.uint16, 65535)])
def test_masks_are_read_exactly_whatever_their_filters(page, dtype, top):
    coarse = np.random.default_rng(0).integers(0, top + 1, (9, 11)).astype(dtype)
    smooth = (np.add.outer(np.arange(40), np.arange(30)) * (top // 70)).astype(dtype)
    for mask in (coarse, smooth, np.zeros((1, 1), dtype)):
        text = base64.b64encode(encoded(mask)).decode()
        width, height, ids = page.evaluate(READ_MASK, text)
        np.testing.assert_array_equal(np.array(ids).reshape(height, width), mask)
