"""The run directory: where training leaves what export, evaluation and prediction take up."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from kerasseg.errors import KerassegError, first_complaint
from kerasseg.files import atomic_file
from kerasseg.label_set import Colour, LabelSet

if TYPE_CHECKING:
    import keras

SCHEMA_VERSION = 1
_REMEDY = "Restore the file, or train into another directory."


class RunDescription(BaseModel):
    """The contents of `run.json`.

    Attributes:
        schema_version: Raised whenever a reader of the older form would go wrong.
        kerasseg_version: The version that wrote the run.
        architecture: Name of the builder in `kerasseg`, `"EfficientFCN"` for example.
        class_names: One a class, in the order of the logits' channels.
        palette: One RGB colour (0..255) a class.
        ignore_label: The value of void pixels in the labels.
        dataset: Name of the data set in the catalogue, or `"folder"`.
        fingerprint: Hash of the data set's files and, where it was generated, the generator's
            version.
        recipe_hash: Hash of the resolved recipe; another recipe may not go on in this run.
        versions: Versions of the packages that computed it.
        commit: That of the checkout of kerasseg, as `git describe` names it; empty where there is
            none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: int = SCHEMA_VERSION
    kerasseg_version: str
    architecture: str
    class_names: tuple[str, ...]
    palette: tuple[Colour, ...]
    ignore_label: int
    dataset: str
    fingerprint: dict[str, str | int]
    recipe_hash: str
    versions: dict[str, str]
    commit: str = ""

    @property
    def labels(self) -> LabelSet:
        """The classes, their colours and the void label."""
        return LabelSet(self.class_names, self.palette, self.ignore_label)


class Run:
    """A run directory, by the names of its files.

    Files: `run.json` (`RunDescription`), `recipe.toml` (the recipe as it ran), `model.keras`
    (the last weights, a plain functional model), `best.keras` (the weights of the epoch with
    the best validation score), `interrupted.keras` (those of the moment of a Ctrl-C),
    `metrics.json`, `class_weights.json` (where the recipe names a rule for them), `history.csv`,
    `report.html`, `pictures/`, `samples/` (the images that the pictures show), `tensorboard/`,
    `checkpoint/` (what a resume needs), `serving/` (SavedModels by version) and `evaluation/` (what
    `training.evaluate` wrote by NAME: `.json`, `.md` and `.html`; and `.npz`, which training leaves
    as `validation.npz` too, for comparisons with other runs).

    Args:
        path: The directory. It need not exist yet.

    Example:
        >>> Run("runs/leaves").file("model.keras").as_posix()
        'runs/leaves/model.keras'
        >>> Run.open("runs/leaves")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        kerasseg.errors.KerassegError: no such run directory: runs/leaves. Train one ...
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> "Run":
        """Returns the run at `path` after a look at its description.

        Raises:
            KerassegError: If there is no such directory, it holds no run, or its schema is of
                another version.
        """
        run = cls(path)
        if not os.path.isdir(run.path):  # which answers a name that is too long
            raise KerassegError(
                f"no such run directory: {run.path}. Train one with training.train."
            )
        _ = run.description
        return run

    def file(self, name: str) -> Path:
        """Returns the path of a file or folder of the run."""
        return self.path / name

    @property
    def description(self) -> RunDescription:
        """What `run.json` says.

        Raises:
            KerassegError: If the file is missing, malformed or of another schema version.
        """
        path = self.file("run.json")
        if not path.is_file():
            raise KerassegError(
                f"{self.path} is not a run directory: it holds no run.json. Give the one that "
                "training.train named."
            )
        values = _json_object(path)
        # The version comes first: a newer schema may well have keys that this one forbids.
        if values.get("schema_version") != SCHEMA_VERSION:
            raise KerassegError(
                f"{path} has schema version {values.get('schema_version')}; this kerasseg reads "
                f"version {SCHEMA_VERSION}. Use kerasseg {values.get('kerasseg_version')}."
            )
        try:
            return RunDescription.model_validate(values)
        except ValidationError as error:
            complaint = first_complaint(error)
            raise KerassegError(f"{path} cannot be used: {complaint}. {_REMEDY}") from None

    def describe(self, description: RunDescription) -> None:
        """Writes `run.json`."""
        with atomic_file(self.file("run.json")) as temporary:
            temporary.write_text(description.model_dump_json(indent=2) + "\n")

    def load_model(self, name: str = "model.keras") -> "keras.Model":
        """Returns the trained model: `"model.keras"` (last weights) or `"best.keras"`.

        Raises:
            KerassegError: If the run has no such file yet, or it is damaged.
        """
        from kerasseg.models.model_file import read_model

        return read_model(self.model_file(name))

    def model_file(self, name: str = "model.keras") -> Path:
        """Returns the file of a trained model.

        Raises:
            KerassegError: If the run has no such file yet.
        """
        path = self.file(name)
        if not path.is_file():
            raise KerassegError(
                f"{self.path} holds no {name}: has its training ended? The command that started it "
                "goes on with it."
            )
        return path


def _json_object(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_bytes())
    except ValueError as error:  # both malformed JSON and bytes that are no text
        raise KerassegError(f"{path} is not JSON: {error}. {_REMEDY}") from None
    if not isinstance(values, dict):
        raise KerassegError(f"{path} holds no JSON object; a run writes one. {_REMEDY}")
    return values
