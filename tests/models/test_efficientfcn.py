import pytest

from kerasseg import EfficientFCN
from tests.models.model_case import ModelCase

OPTIONS = {"num_codewords": 12, "fusion_filters": 16, "codeword_filters": 24}


class TestRelease(ModelCase):
    architecture = EfficientFCN
    options = OPTIONS


@pytest.mark.slow
class TestPaper(ModelCase):
    architecture = EfficientFCN
    options = {**OPTIONS, "variant": "paper"}  # noqa: RUF012  (as in the class above)
