"""Whose a run directory is: a new experiment's, the same one's, or another's."""

import shutil
import sys
from importlib.metadata import version
from pathlib import Path

from kerasseg.errors import KerassegError
from kerasseg.experiment import checkout
from kerasseg.experiment.splits import Splits
from kerasseg.files import atomic_file, remove_partial
from kerasseg.recipe import Recipe, difference, read_recipe, recipe_text
from kerasseg.run import Run, RunDescription
from kerasseg.version import __version__


def check_free(run: Run, recipe: Recipe, splits: Splits, overwrite: bool) -> None:
    """Refuses a run directory that is neither new nor of the same experiment."""
    if run.path.exists() and not run.path.is_dir():
        raise KerassegError(f"--run-dir {run.path} is a file; give a directory.")
    is_run = run.file("run.json").is_file()
    if not (overwrite and is_run) and any(map(_is_whole, _entries(run))):
        _check_same(run, recipe, splits)


def _entries(run: Run) -> list[Path]:
    return list(run.path.iterdir()) if run.path.is_dir() else []


def _is_whole(path: Path) -> bool:
    """Returns False for what a start that was killed left of a file that it was writing."""
    return not (path.name.startswith(".") and ".partial" in path.name)


def claim(run: Run, recipe: Recipe, splits: Splits, overwrite: bool) -> None:
    """Makes the directory that of the experiment, unless it is that already."""
    if overwrite:
        _delete(run)
    remove_partial(run.path)
    if not run.file("run.json").is_file():
        run.describe(_description(recipe, splits))
    if not run.file("recipe.toml").is_file():
        with atomic_file(run.file("recipe.toml")) as temporary:
            temporary.write_text(recipe_text(recipe), encoding="utf-8")


def _delete(run: Run) -> None:
    # run.json goes last: without it the rest would be taken for somebody else's files.
    for path in sorted(_entries(run), key=lambda path: path.name == "run.json"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _check_same(run: Run, recipe: Recipe, splits: Splits) -> None:
    if not run.file("run.json").is_file():
        raise KerassegError(
            f"{run.path} is not empty and holds no run. Give a new directory as --run-dir."
        )
    remedy = "Choose another --run-dir, or say --overwrite to delete what was trained there."
    if run.description.recipe_hash != recipe.fingerprint:
        there = read_recipe(run.file("recipe.toml"))
        raise KerassegError(
            f"{run.path} holds a run of another recipe: {difference(recipe, there)}. {remedy}"
        )
    if run.description.fingerprint != splits.fingerprint:
        raise KerassegError(f"{run.path} was trained on other data than this. {remedy}")


def _description(recipe: Recipe, splits: Splits) -> RunDescription:
    return RunDescription(
        kerasseg_version=__version__,
        architecture=recipe.model.architecture,
        class_names=splits.labels.class_names,
        palette=splits.labels.colours,
        ignore_label=splits.labels.ignore_label,
        dataset=recipe.data.dataset,
        fingerprint=splits.fingerprint,
        recipe_hash=recipe.fingerprint,
        versions={
            "python": ".".join(map(str, sys.version_info[:3])),
            **{name: version(name) for name in ("tensorflow", "keras", "numpy")},
        },
        commit=checkout.commit(),
    )
