"""Arguments as other packages call them, and arguments with a typo."""

import inspect

import pytest

from kerasseg import DilatedFCN, EfficientFCN, LightWeightRefineNet, RefineNet
from kerasseg.errors import KerassegError
from kerasseg.models.arguments import _ELSEWHERE, friendly_arguments

BUILDERS = [DilatedFCN, EfficientFCN, LightWeightRefineNet, RefineNet]
builders = pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)

RIGHT = {
    "classes": "num_classes=",
    "backbone_name": "backbone=",
    "encoder_name": "backbone=",
    "encoder_weights": "backbone_weights=",
    "pretrained": "backbone_weights=",
    "in_channels": "input_shape=(None, None, channels)",
    "input_size": "input_shape=(height, width, channels)",
    "final_activation": "activation=",
    "encoder_freeze": "kerasseg.freeze_backbone(model)",
    "preprocessing": "takes RGB pixels 0..255",
    "dtype": "keras.config.set_dtype_policy",
}


@builders
@pytest.mark.parametrize("argument", RIGHT)
def test_name_from_another_package_gets_the_right_one(build, argument):
    with pytest.raises(KerassegError) as error:
        build("mobilenetv2", **{argument: 5})
    assert str(error.value).startswith(f"{build.__name__} has no argument {argument!r}: say ")
    assert RIGHT[argument] in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@builders
def test_typo_gets_the_nearest_name(build):
    with pytest.raises(KerassegError) as error:
        build(num_clases=5)
    expected = f"unknown argument of {build.__name__} 'num_clases': did you mean 'num_classes'? "
    assert str(error.value).startswith(expected)
    assert "Accepted: activation, align_corners, backbone," in str(error.value)


def test_argument_of_another_builder_is_unknown():
    with pytest.raises(KerassegError, match="unknown argument of RefineNet 'num_codewords'"):
        RefineNet(num_codewords=5)


@pytest.mark.parametrize("build", [DilatedFCN, EfficientFCN], ids=lambda build: build.__name__)
def test_rematerialize_where_it_would_save_nothing_gets_the_reason(build):
    with pytest.raises(KerassegError) as error:
        build("resnet50", rematerialize=True)
    message = str(error.value)
    assert message.startswith(f"{build.__name__} has no argument 'rematerialize': its decoder has")
    assert message.endswith("RefineNet and LightWeightRefineNet take it.")
    assert len(message.splitlines()) == 2


@builders
def test_no_builder_has_an_argument_that_is_called_foreign(build):
    accepted = inspect.signature(build).parameters
    assert accepted.keys() & _ELSEWHERE.keys() == set()
    named = {text.partition("=")[0] for text in _ELSEWHERE.values() if "nothing here" not in text}
    assert named <= accepted.keys()


@builders
def test_builder_keeps_its_name_signature_and_docstring(build):
    signature = inspect.signature(build)
    assert list(signature.parameters)[:2] == ["backbone", "num_classes"]
    assert signature.parameters["backbone"].default == "resnet101"
    assert inspect.getdoc(build).count(">>> model = ") == 1
    assert build.__module__ == inspect.getmodule(inspect.unwrap(build)).__name__


def test_known_arguments_are_passed_on():
    @friendly_arguments
    def build(a: int, *, b: int = 2) -> tuple[int, int]:
        return a, b

    assert (build(1), build(1, b=3), build(a=1)) == ((1, 2), (1, 3), (1, 2))
    with pytest.raises(TypeError, match="multiple values"):
        build(1, a=1)
