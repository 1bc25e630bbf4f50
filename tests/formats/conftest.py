import pytest

from kerasseg.label_set import LabelSet
from tests.serving.examples import picture, tiny_model


@pytest.fixture(scope="session")
def model():
    return tiny_model()


@pytest.fixture(scope="session")
def labels():
    return LabelSet(("sky", "road", "car", "tree", "pole"), ignore_label=11)


@pytest.fixture(scope="session")
def photos():
    return [picture(48, 64, seed) for seed in range(4)]
