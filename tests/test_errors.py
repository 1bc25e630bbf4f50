import pytest

from kerasseg.errors import KerassegError, unknown_name

BACKBONES = ["resnet50", "resnet101", "mobilenetv2"]


def test_is_a_value_error():
    assert issubclass(KerassegError, ValueError)


def test_unknown_name_says_what_was_received_and_what_is_accepted():
    assert str(unknown_name("backbone", "mobilnetv2", BACKBONES)) == (
        "unknown backbone 'mobilnetv2': did you mean 'mobilenetv2'? "
        "Accepted: mobilenetv2, resnet101, resnet50."
    )


def test_unknown_name_finds_a_name_in_other_letters():
    assert "unknown optimizer 'sgd': did you mean 'SGD'?" in str(
        unknown_name("optimizer", "sgd", ["AdamW", "Muon", "SGD"])
    )


@pytest.mark.parametrize("name", ["xyz", "", None, 7])
def test_unknown_name_guesses_nothing_where_nothing_is_near(name):
    message = str(unknown_name("backbone", name, BACKBONES))
    assert message == (f"unknown backbone {name!r}. Accepted: mobilenetv2, resnet101, resnet50.")
