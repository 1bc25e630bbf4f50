"""The wheel holds the library alone, and works where nothing else of the checkout is."""

import importlib.metadata
import shutil
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import kerasseg
from tests.processes import CHECKOUT, run_python

BUILD_BACKEND = Version("77")
SETTLED = {"tensorflow", "keras", "keras-cv", "tensorflow-datasets", "tf2onnx"}
NOTEBOOK = """
import keras
import kerasseg
import numpy as np
labels = kerasseg.LabelSet(("background", "leaf", "stem"))
model = kerasseg.RefineNet(
    backbone="mobilenetv2", num_classes=labels.num_classes, backbone_weights=None, filters=16,
    coarse_filters=16,
)
model.compile(
    optimizer=keras.optimizers.SGD(5e-4, momentum=0.9),
    loss=kerasseg.losses.SegmentationCrossentropy(labels.ignore_label),
    metrics=[kerasseg.evaluation.MeanIoU(labels.num_classes, labels.ignore_label)],
    run_eagerly=True,
)
images, truth = np.zeros((2, 33, 47, 3), "uint8"), np.ones((2, 33, 47), "uint8")
history = model.fit(images, truth, verbose=0).history
print(kerasseg.__file__)
print(bool(np.isfinite(history["loss"][0])))
print(model.predict(images, verbose=0)[0].argmax(axis=-1).shape)
model.save("leaves.keras")
print(kerasseg.export_saved_model(model, "served/leaves", labels=labels, warmup_images=()))
"""


@pytest.fixture(scope="module")
def left_before() -> set[Path]:
    return _left_by_builds()


def _left_by_builds() -> set[Path]:
    return {*CHECKOUT.glob("build/**/*"), *CHECKOUT.glob("*.egg-info/*")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory, left_before) -> Path:
    """The wheel, built from a copy so that nothing is left in the checkout."""
    source = tmp_path_factory.mktemp("source") / "kerasseg"
    unwanted = (".*", "__pycache__", "build", "dist", "*.egg-info", "runs", "*.npz")
    shutil.copytree(CHECKOUT, source, ignore=shutil.ignore_patterns(*unwanted))
    out = tmp_path_factory.mktemp("dist")
    run_python("-m", "build", "--wheel", *_isolation(), "--outdir", str(out), cwd=source)
    (built,) = out.glob("*.whl")
    return built


def _isolation() -> list[str]:
    """An environment that has the build backend need not fetch it again."""
    try:
        found = Version(importlib.metadata.version("setuptools"))
        importlib.metadata.version("wheel")
    except importlib.metadata.PackageNotFoundError:
        return []
    return ["--no-isolation"] if found >= BUILD_BACKEND else []


@pytest.fixture(scope="module")
def contents(wheel) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def metadata(wheel) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_bytes(archive.read(name))


def test_holds_kerasseg_alone(contents):
    rooms = {name.split("/")[0] for name in contents}
    assert rooms == {"kerasseg", f"kerasseg-{kerasseg.__version__}.dist-info"}


def test_holds_every_module_and_the_mark_that_it_is_typed(contents):
    library = CHECKOUT / "kerasseg"
    modules = {str(file.relative_to(CHECKOUT)) for file in library.rglob("*.py")}
    assert modules <= contents
    assert "kerasseg/py.typed" in contents


def test_holds_the_page_of_the_preview(contents):
    library = CHECKOUT / "kerasseg"
    page = {str(file.relative_to(CHECKOUT)) for file in library.rglob("preview/page/*.*")}
    assert {Path(name).suffix for name in page} == {".css", ".html", ".js"}
    assert page <= contents


def test_metadata_names_the_dependencies(metadata):
    requirements = [Requirement(line) for line in metadata.get_all("Requires-Dist")]
    always = {each.name: each.specifier for each in requirements if each.marker is None}
    assert set(always) >= SETTLED
    assert all(any(bound.operator == ">=" for bound in always[name]) for name in SETTLED)
    extras = {"client", "preview", "quickstart", "serving", "test"}
    assert set(metadata.get_all("Provides-Extra")) >= extras


def test_metadata_names_version_python_and_licence(metadata):
    assert metadata["Name"] == "kerasseg"
    assert metadata["Version"] == kerasseg.__version__
    assert metadata["Requires-Python"] == ">=3.11"
    assert "Apache-2.0" in (metadata["License"], metadata["License-Expression"])


@pytest.mark.slow
def test_notebook_lines_run_from_an_installed_wheel(wheel, tmp_path):
    installed, elsewhere = tmp_path / "installed", tmp_path / "elsewhere"
    elsewhere.mkdir()
    pip = ("-m", "pip", "install", "--quiet", "--no-deps", "--target", str(installed), str(wheel))
    run_python(*pip, cwd=elsewhere)
    printed = run_python("-c", NOTEBOOK, cwd=elsewhere, path=installed).splitlines()
    *_, file, finite, shape, exported = printed
    assert Path(file) == installed / "kerasseg" / "__init__.py"
    assert (finite, shape, exported) == ("True", "(33, 47)", "served/leaves/1")
    assert (elsewhere / "leaves.keras").is_file()
    assert (elsewhere / exported / "saved_model.pb").is_file()


def test_leaves_nothing_in_the_checkout(wheel, left_before):
    assert _left_by_builds() == left_before
