"""What is written: two pages and a JSON file, all or nothing."""

import base64
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import tqdm
from PIL import Image

from kerasseg.data import doctor
from kerasseg.data.doctor import report as report_module
from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet
from tests.data.files import LABELS

VOID_ELEMENTS = {"meta", "img"}


class Page(HTMLParser):
    """Reads a page and fails where an element is not closed, or closed twice."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.images, self.text = [], [], [], ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "img":
            self.images.append(dict(attributes))
        if tag not in VOID_ELEMENTS:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def wrong(folder):
    """Two wrong values, a label in colours, an image that is cut short, a label of another size."""
    for number in (0, 1):
        path = folder / f"train/labels/00{number}.png"
        Image.fromarray(np.full((40, 48), 7, np.uint8)).save(path)
    Image.new("RGB", (48, 48), (9, 99, 200)).save(folder / "val/labels/000.png")
    Image.fromarray(np.eye(20, dtype=np.uint8)).save(folder / "train/labels/002.png")
    path = folder / "train/images/003.jpg"
    path.write_bytes(path.read_bytes()[:300])
    return doctor.open_folder(folder, labels=LABELS)


@pytest.fixture
def written(wrong, tmp_path):
    return doctor.write_report(tmp_path / "report", doctor.diagnose(wrong), wrong)


def test_the_page_is_whole_and_holds_its_pictures(written):
    page = Page((written / "report.html").read_text())
    assert page.tags[:2] == ["html", "head"]
    assert len(page.images) == len(list((written / "pictures").iterdir())) >= 4
    for image in page.images:
        kind, _, data = image["src"].partition(",")
        assert kind == "data:image/jpeg;base64"
        picture = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
        assert picture.size == (int(image["width"]), int(image["height"]))
        picture.load()


def test_the_page_names_findings_files_and_figures(written):
    text = Page((written / "report.html").read_text()).text
    assert "error: values that are neither a class nor void (2 places)" in text
    assert "train/labels/001.png" in text
    assert "20x20, and 002.jpg is 48x40" in text
    assert "class_weights = [" in text
    assert "PNG, RGB of 8 bits" in text


def test_the_markdown_page_shows_the_same_pictures(written):
    text = (written / "report.md").read_text()
    assert "### error: values that are neither a class nor void (2 places)" in text
    shown = [line.split("](")[1][:-1] for line in text.splitlines() if line.startswith("![")]
    assert sorted(shown) == sorted(
        f"pictures/{path.name}" for path in (written / "pictures").iterdir()
    )


def test_both_pages_say_what_comes_of_it_and_what_the_pictures_show(written):
    page = Page((written / "report.html").read_text()).text
    text = (written / "report.md").read_text()
    for said in (
        "4 errors, 0 warnings, 0 notes: training would go wrong.",
        "its label map laid over it",
        "one of these lines may be put into",
    ):
        assert said in page
        assert said in text


def test_each_class_has_its_colour_beside_its_name(written):
    text = (written / "report.html").read_text()
    for name, colour in zip(LABELS.class_names, LABELS.colours, strict=True):
        assert f'style="background: rgb{tuple(colour)}"></span> {name}</td>' in text


def test_the_markdown_page_has_pictures_below_their_findings(written):
    findings = (written / "report.md").read_text().split("\n### ")[1:]
    (sizes,) = [each for each in findings if each.startswith("error: a label map of another size")]
    assert "-size-mismatch.jpg)" in sizes
    assert sizes.count("![") == 1


def test_wrong_values_are_magenta_over_the_image(written):
    (path, *_) = sorted((written / "pictures").glob("*-values-outside.jpg"))
    pixels = np.asarray(Image.open(path)).astype(int)
    left, right = pixels[90, 60], pixels[90, -60]
    assert np.abs(right - (255, 0, 255)).max() < 12
    assert np.abs(left - (255, 0, 255)).max() > 100


def test_a_label_in_colours_is_shown_as_it_is(written):
    (path,) = (written / "pictures").glob("*-rgb-label.jpg")
    right = np.asarray(Image.open(path)).astype(int)[90, -60]
    assert np.abs(right - (9, 99, 200)).max() < 12


def test_names_that_look_like_html_or_markdown_are_only_names(folder, tmp_path):
    (folder / "train/images/000.jpg").rename(folder / "train/images/<b>_x_.jpg")
    (folder / "train/labels/000.png").rename(folder / "train/labels/<b>_x_.png")
    labels = LabelSet(("<i>", "a|b", "*c*"))
    Image.new("RGB", (48, 40)).save(folder / "train/labels/<b>_x_.png")
    case = doctor.open_folder(folder, labels=labels)
    path = doctor.write_report(tmp_path / "report", doctor.diagnose(case), case)
    page = Page((path / "report.html").read_text())
    assert "i" not in page.tags
    assert "b" not in page.tags
    assert "<b>_x_.png" in page.text
    text = (path / "report.md").read_text()
    assert r"train/labels/\<b\>\_x\_.png" in text
    assert r"| a\|b |" in text


def test_few_pictures_of_many_files(folder, tmp_path):
    for split in ("train", "val"):
        for path in (folder / split / "labels").iterdir():
            Image.fromarray(np.full(Image.open(path).size[::-1], 7, np.uint8)).save(path)
    case = doctor.open_folder(folder, labels=LABELS)
    path = doctor.write_report(tmp_path / "report", doctor.diagnose(case), case)
    assert len(list((path / "pictures").glob("*values-outside.jpg"))) == 4


def test_without_findings_the_most_void_is_shown(folder, tmp_path):
    case = doctor.open_folder(folder, labels=LABELS)
    path = doctor.write_report(tmp_path / "report", doctor.diagnose(case), case)
    page = Page((path / "report.html").read_text())
    assert "None." in page.text
    assert "Label maps with the most void" in page.text
    assert len(page.images) == 4
    assert "% void" in page.images[0]["alt"]


def test_the_json_has_a_schema_and_reads_back(wrong, written):
    diagnosis = doctor.read_report(written)
    assert diagnosis == doctor.diagnose(wrong)
    values = json.loads((written / "report.json").read_text())
    schema = doctor.json_schema()
    assert set(values) == set(schema["properties"]) == set(schema["required"])
    assert values["findings"][0]["severity"] == "error"
    files = {f["kind"]: [place["path"] for place in f["places"]] for f in values["findings"]}
    assert files["values-outside"] == ["train/labels/000.png", "train/labels/001.png"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda text: text[:100], "report.json is not JSON"),
        (lambda text: "[]", "has schema version None; this kerasseg reads version 1"),
        (
            lambda text: text.replace('"schema_version": 1', '"schema_version": 2'),
            "has schema version 2",
        ),
        (lambda text: text.replace('"ignore_label": 255', '"ignore_label": "x"'), "ignore_label: "),
    ],
)
def test_a_damaged_report_is_named(written, spoil, message):
    path = written / "report.json"
    path.write_text(spoil(path.read_text()))
    with pytest.raises(KerassegError, match=message) as caught:
        doctor.read_report(written)
    assert "Let training.doctor write it anew" in str(caught.value)


def test_no_report_is_an_error(tmp_path):
    with pytest.raises(KerassegError, match=r"no such file: .*report.json. training.doctor writes"):
        doctor.read_report(tmp_path)


def test_a_report_is_replaced_only_if_asked(wrong, written):
    diagnosis = doctor.diagnose(wrong)
    (written / "report.md").write_text("mine")
    with pytest.raises(KerassegError, match="holds a report already: say --overwrite"):
        doctor.write_report(written, diagnosis, wrong)
    assert (written / "report.md").read_text() == "mine"
    doctor.write_report(written, diagnosis, wrong, overwrite=True)
    assert (written / "report.md").read_text() != "mine"


def test_what_is_no_report_is_never_replaced(wrong, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter.txt").write_text("years of work")
    with pytest.raises(KerassegError, match="is not empty and holds no report"):
        doctor.check_free(tmp_path / "thesis", overwrite=True)
    with pytest.raises(KerassegError, match=r"chapter.txt is a file; give another directory"):
        doctor.check_free(tmp_path / "thesis/chapter.txt", overwrite=True)


def test_a_report_that_fails_leaves_the_older_one(wrong, written, monkeypatch):
    def full_disk(*_):
        raise OSError("no space left")

    diagnosis, before = doctor.diagnose(wrong), (written / "report.md").read_text()
    monkeypatch.setattr(report_module, "html_page", full_disk)
    with pytest.raises(OSError, match="no space"):
        doctor.write_report(written, diagnosis, wrong, overwrite=True)
    assert (written / "report.md").read_text() == before
    assert [path.name for path in written.parent.iterdir() if path.name.startswith(".")] == []


def test_the_summary_names_the_first_files_and_counts_the_others(folder):
    for number in range(4):
        (folder / f"train/labels/00{number}.png").unlink()
    diagnosis = doctor.diagnose(doctor.open_folder(folder, labels=LABELS))
    said = doctor.summary(diagnosis)
    assert "error: an image without a label map (4 places)\n  - train/images/000.jpg" in said
    assert "train/images/003.jpg" not in said
    assert "  - and 1 more" in said
    assert said.endswith("2 errors, 0 warnings, 0 notes: training would go wrong")


def test_the_progress_bar_is_for_terminals_unless_it_is_asked_for(folder, capsys):
    case = doctor.open_folder(folder, labels=LABELS)
    doctor.diagnose(case)
    assert capsys.readouterr().err == ""
    doctor.diagnose(case, progress=False)
    assert capsys.readouterr().err == ""
    doctor.diagnose(case, progress=True)
    assert re.search(r"examining: +0%.*0/6 .*pairs", capsys.readouterr().err)


def test_the_progress_bar_counts_every_pair(folder, monkeypatch):
    counted = []

    class Bar(tqdm.tqdm):
        def close(self):
            counted.append((self.desc, self.n, self.total))
            super().close()

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    doctor.diagnose(doctor.open_folder(folder, labels=LABELS), progress=True)
    assert counted[0] == ("examining", 6, 6)


def test_an_empty_training_split_has_no_figures(folder, tmp_path):
    for path in (folder / "train").glob("*/*"):
        path.unlink()
    case = doctor.open_folder(folder, labels=LABELS)
    diagnosis = doctor.diagnose(case)
    assert diagnosis.splits["train"].mean is None
    assert diagnosis.class_weights == {}
    assert "class_weights" not in doctor.summary(diagnosis)
    Page((doctor.write_report(tmp_path / "report", diagnosis, case) / "report.html").read_text())


def test_a_long_list_of_sizes_is_cut(tmp_path):
    from tests.data.files import write_folder

    write_folder(tmp_path, [(40, 40 + n) for n in range(15)])
    said = doctor.summary(doctor.diagnose(doctor.open_folder(tmp_path, ["train"], LABELS)))
    assert re.search(r"\nsizes \(width x height\) +train\n", said)
    assert re.search(r"\n3 others +3\n", said)
