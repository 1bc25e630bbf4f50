from kerasseg import RefineNet
from tests.models.model_case import ModelCase

OPTIONS = {"filters": 12, "coarse_filters": 16}


class TestRefineNet(ModelCase):
    architecture = RefineNet
    options = OPTIONS
