"""Every architecture, and each of its variants, in the shared case over a tiny backbone."""

import pytest

from kerasseg import DilatedFCN, EfficientFCN, LightWeightRefineNet, RefineNet
from tests.models.small_model_case import CompiledModelCase, SmallModelCase, XlaModelCase
from tests.models.test_dilated_fcn import OPTIONS as DILATED_FCN
from tests.models.test_dilated_fcn import dilated_backbone
from tests.models.test_efficientfcn import OPTIONS as EFFICIENTFCN
from tests.models.test_light_weight_refinenet import OPTIONS as LIGHT_WEIGHT_REFINENET
from tests.models.test_refinenet import OPTIONS as REFINENET


class TestRefineNet(CompiledModelCase):
    architecture = RefineNet
    options = REFINENET


class TestRefineNetOfTwoBlocks(SmallModelCase):
    architecture = RefineNet
    options = REFINENET | {"cascade": 2}


class TestRefineNetOfOneBlock(SmallModelCase):
    architecture = RefineNet
    options = REFINENET | {"cascade": 1}


@pytest.mark.slow
class TestRefineNetOfTwoScales(XlaModelCase):
    architecture = RefineNet
    options = REFINENET | {"scales": (1.2, 0.6)}
    scale = 1.2


class TestRefineNetWithImprovedPooling(SmallModelCase):
    architecture = RefineNet
    options = REFINENET | {"pooling_order": "conv_pool", "pooling_blocks": 4}


class TestLightWeightRefineNet(CompiledModelCase):
    architecture = LightWeightRefineNet
    options = LIGHT_WEIGHT_REFINENET


class TestEfficientFCN(CompiledModelCase):
    architecture = EfficientFCN
    options = EFFICIENTFCN
    stride = 8


class TestEfficientFCNOfThePaper(SmallModelCase):
    architecture = EfficientFCN
    options = EFFICIENTFCN | {"variant": "paper"}
    stride = 8


class TestDilatedFCN(CompiledModelCase):
    architecture = DilatedFCN
    options = DILATED_FCN
    stride = 8

    def backbone(self):
        return dilated_backbone()
