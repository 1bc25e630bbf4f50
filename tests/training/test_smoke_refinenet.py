"""`--smoke` of every shipped recipe of RefineNet."""

import pytest

from tests.training.shipped_recipes import REFINENET, check_smoke


@pytest.mark.slow
@pytest.mark.parametrize("recipe", REFINENET, ids=lambda path: path.stem)
def test_it_runs(recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("KERASSEG_HOME", str(tmp_path / "home"))
    check_smoke(recipe, tmp_path)
