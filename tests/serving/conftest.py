import pytest

from kerasseg.serving import export_saved_model
from tests.serving.examples import encoded, picture, tiny_model


@pytest.fixture(scope="session")
def model():
    return tiny_model()


@pytest.fixture(scope="session")
def saved_model(model, tmp_path_factory):
    base = tmp_path_factory.mktemp("served") / "tiny"
    return export_saved_model(model, base, warmup_images=[encoded(picture(48, 64))])
