import pytest


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """What is converted goes to a directory of the test."""
    directory = tmp_path / "home"
    monkeypatch.setenv("KERASSEG_HOME", str(directory))
    return directory
