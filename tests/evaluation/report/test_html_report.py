import io
import re
from base64 import b64decode
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from kerasseg.evaluation.report.html_report import ShownImage, html_report
from kerasseg.label_set import LabelSet

LABELS = LabelSet(("sky & cloud", "road", "<never>"), ((1, 2, 3), (4, 5, 6), (7, 8, 9)))
CONFUSION = np.array([[30, 10, 0], [0, 60, 0], [0, 0, 0]])
HISTORY = [
    {"epoch": 1, "loss": 2.0, "mean_iou": 0.2},
    {"epoch": 2, "loss": 1.0, "mean_iou": 0.4, "val_loss": 1.5, "val_mean_iou": 0.3},
]


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.text, self.open, self.sources = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "img":
            self.sources.append(dict(attributes)["src"])
        elif tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.text.append(text.strip())


@pytest.fixture(scope="module")
def text():
    stream = io.BytesIO()
    Image.new("RGB", (30, 20)).save(stream, "JPEG")
    best = [ShownImage("one.jpg", 0.9, stream.getvalue())]
    worst = [ShownImage("two.jpg", 0.125, stream.getvalue())]
    facts = {"data set": "folder", "seconds": "12 < 13"}
    return html_report("a run", LABELS, CONFUSION, HISTORY, best, worst, facts, "[model]\na = 1")


def assert_self_contained(text):
    """Every element is closed, and every picture is in the page."""
    page = Page(text)
    assert page.open == []
    assert all(source.startswith("data:image/") for source in page.sources)
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert "http" not in re.sub(r"data:image/[^\"]*", "", text)


def test_it_is_whole_and_needs_no_other_file(text):
    assert_self_contained(text)


def test_its_curves_name_no_other_file_either(text):
    (drawn,) = [source for source in Page(text).sources if "svg" in source]
    curves = b64decode(drawn.split(",")[1]).decode()
    assert "<metadata" not in curves
    assert "<!DOCTYPE" not in curves
    names = re.sub(r'xmlns(:\w+)?="[^"]*"', "", curves)  # names, at which nothing is fetched
    assert "http" not in names
    assert all(place.startswith("#") for place in re.findall(r'href="([^"]*)"', names))
    assert re.findall(r"href=", names)
    assert not re.search(r"url\((?!#)", names)
    root = ElementTree.fromstring(curves)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(root.findall(".//{*}path")) > 4


def test_every_class_with_its_scores(text):
    shown = [word for word in Page(text).text if word]
    assert shown[shown.index("sky & cloud") + 1 :][:4] == ["0.750", "75.0 %", "100.0 %", "40.0 %"]
    assert shown[shown.index("road") + 1 :][:4] == ["0.857", "100.0 %", "85.7 %", "60.0 %"]
    assert shown[shown.index("<never>") + 1 :][:4] == ["-", "-", "-", "0.0 %"]


def test_whose_scores_they_are(text):
    first, second = re.findall("<p>(.*)</p>", text)
    assert first.startswith("mean IoU 0.804 on the validation split, of the last weights (model.k")
    assert second == (
        "The best of the epochs that were validated was 2, with mean IoU 0.300 (best.keras)."
    )


def test_every_picture_says_what_it_shows(text):
    assert "<figcaption></figcaption>" not in text
    assert 'alt=""' not in text
    assert "Loss, mean IoU and learning rate over the epochs." in Page(text).text


def test_no_table_begins_with_an_empty_row(text):
    assert "<tr><th></th><th></th></tr>" not in text


def test_its_pictures(text):
    sources = Page(text).sources
    kinds = [source.split(";")[0].removeprefix("data:image/") for source in sources]
    assert kinds == ["svg+xml", "png", "jpeg", "jpeg"]
    for source in sources[1:]:
        Image.open(io.BytesIO(b64decode(source.split(",")[1]))).verify()
    words = Page(text).text
    assert words.index("The worst images") < words.index("The best images")
    assert "two.jpg: mean IoU 0.125 (image, truth, prediction)" in words


def test_facts_and_recipe(text):
    words = Page(text).text
    assert words[words.index("seconds") + 1] == "12 < 13"
    assert "[model]\na = 1" in words


def test_without_a_history_it_has_no_curves():
    page = Page(html_report("a run", LABELS, CONFUSION, [], [], [], {}, ""))
    assert "Curves" not in page.text
    assert len(page.sources) == 1
