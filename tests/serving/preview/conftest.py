import pytest

from kerasseg.label_set import LabelSet
from kerasseg.serving import export_saved_model
from kerasseg.serving.preview import ServedModel
from tests.serving.examples import constant_model, tiny_model

LABELS = LabelSet(
    ("sky", "road", "car", "tree", "pole"),
    ((10, 20, 200), (128, 64, 128), (200, 0, 0), (0, 150, 0), (240, 240, 0)),
)


@pytest.fixture(scope="package")
def base(tmp_path_factory):
    """A base path with two versions: the second gives every pixel the class 3."""
    base = tmp_path_factory.mktemp("served") / "tiny"
    for model in (tiny_model(), constant_model(5, winner=3)):
        export_saved_model(model, base, labels=LABELS, warmup_images=())
    return base


@pytest.fixture(scope="package")
def model(base):
    return ServedModel(base, labels={"stable": 1})
