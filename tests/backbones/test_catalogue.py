import keras
import pytest

from kerasseg import backbones
from kerasseg.backbones import unsupported
from kerasseg.errors import KerassegError
from tests.backbones.families import FAMILIES, images, quickly, shared, sizes_at_the_strides

CHANNELS = {
    "resnet50": (256, 512, 1024, 2048),
    "resnet101": (256, 512, 1024, 2048),
    "resnet152": (256, 512, 1024, 2048),
    "resnet50v2": (256, 512, 1024, 2048),
    "resnet101v2": (256, 512, 1024, 2048),
    "resnet152v2": (256, 512, 1024, 2048),
    "densenet121": (256, 512, 1024, 1024),
    "densenet169": (256, 512, 1280, 1664),
    "densenet201": (256, 512, 1792, 1920),
    "efficientnet_lite0": (24, 40, 112, 320),
    "efficientnetb0": (144, 240, 672, 1280),
    "efficientnetb1": (144, 240, 672, 1280),
    "efficientnetb2": (144, 288, 720, 1408),
    "efficientnetb3": (192, 288, 816, 1536),
    "efficientnetb4": (192, 336, 960, 1792),
    "efficientnetb5": (240, 384, 1056, 2048),
    "efficientnetb6": (240, 432, 1200, 2304),
    "efficientnetb7": (288, 480, 1344, 2560),
    "efficientnetv2b0": (32, 192, 672, 1280),
    "efficientnetv2b1": (32, 192, 672, 1280),
    "efficientnetv2b2": (32, 224, 720, 1408),
    "efficientnetv2b3": (40, 224, 816, 1536),
    "efficientnetv2s": (48, 256, 960, 1280),
    "efficientnetv2m": (48, 320, 1056, 1280),
    "efficientnetv2l": (64, 384, 1344, 1280),
    "mobilenet": (128, 256, 512, 1024),
    "mobilenetv2": (144, 192, 576, 1280),
    "mobilenetv3small": (16, 24, 48, 96),
    "mobilenetv3large": (24, 40, 112, 160),
    "vgg16": (256, 512, 512, 512),
    "vgg19": (256, 512, 512, 512),
}
REFUSED = {
    "Xception": "63, 32, 16, 8 for a side of 256",
    "InceptionV3": "60, 29, 14, 6 for a side of 256",
    "InceptionResNetV2": "60, 29, 14, 6 for a side of 256",
    "NASNetMobile": "built for any size it runs on none",
    "NASNetLarge": "built for any size it runs on none",
    "ConvNeXtTiny": "compiles by XLA",
    "ConvNeXtSmall": "compiles by XLA",
    "ConvNeXtBase": "compiles by XLA",
    "ConvNeXtLarge": "compiles by XLA",
    "ConvNeXtXLarge": "compiles by XLA",
}


def official_names() -> list[str]:
    return [name for name, value in vars(keras.applications).items() if callable(value)]


def assert_has_its_channels(model: keras.Model, name: str) -> None:
    assert model.name == name
    assert [tuple(level.shape) for level in model.outputs] == [
        (None, None, None, channels) for channels in CHANNELS[name]
    ]


def test_lists_every_backbone():
    assert backbones.names() == tuple(CHANNELS)


def test_every_network_of_keras_applications_is_there_or_refused():
    assert len(official_names()) == len(CHANNELS) - 1 + len(REFUSED)  # all but EfficientNet-Lite0
    for name in official_names():
        assert name.lower() in backbones.names() or name in REFUSED


@pytest.mark.parametrize("name", quickly("vgg16", "mobilenetv3small", "resnet50"))
def test_gives_four_maps_of_its_channels_under_its_own_name(name):
    assert_has_its_channels(shared(name), name)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CHANNELS.keys() - set(FAMILIES)))
def test_gives_four_maps_at_their_strides_however_large(name):
    model = backbones.create(name, weights=None)
    assert_has_its_channels(model, name)
    for size in ((33, 47), (97, 161)):
        assert sizes_at_the_strides(model(images(1, *size)), *size)


@pytest.mark.parametrize("name", REFUSED)
def test_other_networks_are_refused_with_the_reason(name):
    with pytest.raises(KerassegError, match=f"'{name}' is no backbone: its .*{REFUSED[name]}"):
        backbones.create(name)
    _, _, nearest = unsupported.reason(name.lower()).rstrip(".").partition("Near it: ")
    assert set(nearest.split(", ")) <= set(backbones.names())


@pytest.mark.parametrize("name", ["xception", "inception_v3", "NASNet-Large", "convnext_tiny"])
def test_other_networks_are_refused_in_any_spelling(name):
    with pytest.raises(KerassegError, match=f"'{name}' is no backbone: "):
        backbones.create(name)


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("ResNet101", "resnet101"),
        ("ResNet50V2", "resnet50v2"),
        ("EfficientNetV2-S", "efficientnetv2s"),
        ("efficientnetv2_s", "efficientnetv2s"),
        ("efficientnet-b4", "efficientnetb4"),
        ("EfficientNet_Lite0", "efficientnet_lite0"),
        ("MobileNetV3Large", "mobilenetv3large"),
        ("resnet11", "resnet101"),
        ("mobilnet", "mobilenet"),
    ],
)
def test_unknown_name_names_the_right_one(name, right):
    with pytest.raises(KerassegError, match=f"unknown backbone '{name}': did you mean '{right}'"):
        backbones.create(name)


def test_something_that_is_no_name_is_unknown():
    with pytest.raises(KerassegError, match=r"unknown backbone None.*Accepted: .*resnet101"):
        backbones.create(None)
