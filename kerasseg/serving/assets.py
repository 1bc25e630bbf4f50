"""What lies beside the graph in `assets.extra/`: for clients, operators and whoever asks later."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kerasseg.errors import KerassegError
from kerasseg.evaluation.inference.protocol import Protocol
from kerasseg.label_set import LabelSet
from kerasseg.serving.signatures import signature_kinds
from kerasseg.serving.warmup import WARMUP_FILE

ASSETS = "assets.extra"
LABELS_FILE = "labels.json"
RECORD_FILE = "export.json"


@dataclass(frozen=True)
class ExportRecord:
    """How a model was exported, the contents of `assets.extra/export.json`.

    Args:
        kerasseg_version: The version that exported it.
        signatures: What each signature is, by name; see `SegmentationSignatures.kinds`.
        precision: What it computes in: `"float32"`, `"bfloat16"` or `"float16"`.
        protocol: The arguments of the `Protocol` that is in the graph.
        max_pixels: The largest image; None for any.
        frozen: Whether the weights are constants of the graph.
        folded: Names of the batch norms that were folded into the conv before them.
        not_folded: Names of those that were not.

    Example:
        >>> ExportRecord().views == Protocol()
        True
    """

    kerasseg_version: str = ""
    signatures: Mapping[str, str] | None = None
    precision: str = "float32"
    protocol: Mapping[str, Any] | None = None
    max_pixels: int | None = None
    frozen: bool = False
    folded: Sequence[str] = ()
    not_folded: Sequence[str] = ()

    @property
    def views(self) -> Protocol:
        """The scales and the mirroring that are in the graph."""
        return Protocol(**(self.protocol or {}))

    @property
    def kinds(self) -> Mapping[str, str]:
        """What each signature is, by name."""
        return self.signatures or signature_kinds()


def read_record(version: Path) -> ExportRecord:
    """Returns how a SavedModel was exported.

    Args:
        version: The version directory.

    Raises:
        KerassegError: If it is not known: the file is missing or of another kerasseg.

    Example:
        >>> read_record(Path("served/1"))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        kerasseg.errors.KerassegError: served/1/assets.extra/export.json does not say how ...
    """
    path = version / ASSETS / RECORD_FILE
    try:
        return ExportRecord(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise KerassegError(
            f"{path} does not say how the model was exported ({error}): export it again with "
            "export.saved_model."
        ) from None


def write_record(folder: Path, record: ExportRecord) -> None:
    """Writes what `read_record` reads into an `assets.extra`."""
    _write(folder / RECORD_FILE, asdict(record))


def write_labels(folder: Path, labels: LabelSet) -> None:
    """Writes names and colours of the classes, and the void label, into an `assets.extra`."""
    description = {
        "class_names": labels.class_names,
        "palette": labels.colours,
        "ignore_label": labels.ignore_label,
    }
    _write(folder / LABELS_FILE, description)


def read_labels(version: Path) -> LabelSet:
    """Returns names and colours of the classes of a SavedModel, and the void label.

    Args:
        version: The version directory.

    Raises:
        KerassegError: If they are not known: the file is missing or damaged.

    Example:
        >>> read_labels(Path("served/1"))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        kerasseg.errors.KerassegError: served/1/assets.extra/labels.json does not tell the ...
    """
    path = version / ASSETS / LABELS_FILE
    try:
        told = json.loads(path.read_bytes())
        return LabelSet(tuple(told["class_names"]), told["palette"], told["ignore_label"])
    except (OSError, ValueError, TypeError, KeyError, KerassegError) as error:
        raise KerassegError(
            f"{path} does not tell the classes and their colours ({error}): export it again with "
            "export.saved_model."
        ) from None


def checked_assets(assets: Mapping[str, str] | None) -> Mapping[str, str]:
    """Returns further texts by file name.

    Raises:
        KerassegError: If a name is that of a file which is there anyway, or lies elsewhere.
    """
    taken = (LABELS_FILE, RECORD_FILE, WARMUP_FILE)
    for name in assets or {}:
        if name in (*taken, "", ".", "..") or Path(name).name != name:
            raise KerassegError(
                f"assets: {name!r} cannot be the name of a further file; give a plain file name "
                f"other than {', '.join(taken[:-1])} and {taken[-1]}."
            )
    return assets or {}


def _write(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=1) + "\n", "utf-8")
