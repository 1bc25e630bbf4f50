"""The smoke test of a shipped recipe, by the command of its header.

The recipes lie in two files of tests, so that two workers share the quarter of an hour.
"""

import shutil
from pathlib import Path

from kerasseg.recipe import read_recipe
from kerasseg.run import Run
from tests.processes import run_python
from tests.recipe.shipped import RECIPES

# One of each architecture.
EXPORTED = ("camvid_refinenet", "light_weight_refinenet_nyudv2", "quickstart")

REFINENET = [path for path in RECIPES if read_recipe(path).model.architecture == "RefineNet"]
OTHERS = [path for path in RECIPES if path not in REFINENET]


def check_smoke(recipe: Path, folder: Path) -> None:
    """Trains, in a process of its own, which gives back the gigabytes of the largest networks."""
    exported = recipe.stem in EXPORTED
    setting = f"output.saved_model={str(exported).lower()}"
    command = ("-m", "training.train", str(recipe.resolve()), "--smoke", "--set", setting)
    assert "mean IoU 0." in run_python(*command, cwd=folder)
    run = Run.open(folder / "runs" / f"{recipe.stem}-smoke")
    assert run.file("model.keras").is_file()
    assert run.file("serving/1/saved_model.pb").is_file() == exported
    shutil.rmtree(run.path)  # up to two gigabytes, which pytest would keep
