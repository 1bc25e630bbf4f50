"""Export of a model as a SavedModel that TensorFlow Serving loads."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras

from kerasseg.errors import KerassegError
from kerasseg.files import atomic_directory
from kerasseg.label_set import LabelSet
from kerasseg.serving.signatures import SegmentationSignatures
from kerasseg.serving.versions import next_version
from kerasseg.serving.warmup import (
    WARMUP_FILE,
    default_images,
    warmup_requests,
    write_warmup_requests,
)

LABELS_FILE = "labels.json"
ASSETS = "assets.extra"


@dataclass(frozen=True)
class _Extras:
    """What lies in `assets.extra/` beside the graph."""

    labels: LabelSet
    warmup: Sequence[bytes]
    files: Mapping[str, str]


def export_saved_model(
    model: keras.Model,
    path: str | os.PathLike[str],
    *,
    labels: LabelSet | None = None,
    warmup_images: Sequence[bytes] | None = None,
    assets: Mapping[str, str] | None = None,
) -> Path:
    """Writes `model` as the next version of a served model and returns `path/<version>/`.

    The signatures are those of `kerasseg.serving.SegmentationSignatures`: encoded images to PNG
    masks (`serving_default`), pixels to class ids (`pixels`) and pixels to probabilities
    (`probabilities`). The SavedModel loads without Keras and kerasseg. The directory appears as
    a whole or not at all, and no version is ever overwritten, by whoever exports meanwhile.

    `assets.extra/labels.json` holds `class_names`, `palette` (RGB 0..255, one colour a class)
    and `ignore_label` for clients; the last never stands in a mask. `assets.extra/
    tf_serving_warmup_requests` makes the server run every signature before it takes requests.

    Args:
        model: A plain functional model: RGB pixels 0..255 `(N, H, W, 3)` to `(N, H, W, C)`, its
            last layer named `"logits"` or `"probabilities"`. A model trained under
            `mixed_bfloat16` computes in bfloat16 when served, too.
        path: The model's base path, made if need be.
        labels: Names and colours of the classes; None for `class_0`, `class_1` and so on.
        warmup_images: Encoded images that the warm-up requests are made of, best of the sizes
            that clients send; None for one grey image, `()` for no warm-up requests. They need
            `tensorflow-serving-api` (`pip install "kerasseg[serving]"`).
        assets: Further texts for `assets.extra/` by file name.

    Raises:
        KerassegError: If the model is of another kind, `labels` has another number of classes,
            a warm-up image cannot be decoded, or `path` cannot hold versions.

    Example:
        >>> import tempfile
        >>> images = keras.Input((None, None, 3))
        >>> logits = keras.layers.Conv2D(2, 3, padding="same", name="logits")(images)
        >>> model = keras.Model(images, logits)
        >>> version = export_saved_model(model, tempfile.mkdtemp(), warmup_images=())
        >>> version.name, (version / "saved_model.pb").is_file()
        ('1', True)
    """
    signatures = SegmentationSignatures(model)
    base = Path(path)
    images = default_images() if warmup_images is None else warmup_images
    extras = _Extras(
        labels=_fitting_labels(labels, signatures.num_classes),
        warmup=warmup_requests(images, base.name),
        files=_checked(assets),
    )
    while True:
        target = base / str(next_version(base))
        try:
            with atomic_directory(target) as temporary:
                _write_graph(temporary, signatures)
                _write_extras(temporary / ASSETS, extras)
            return target
        except OSError as error:
            # A target that is there now was written by another export meanwhile: try the next.
            if not target.exists():
                raise KerassegError(f"{target} cannot be written: {error}.") from error


def _write_graph(path: Path, signatures: SegmentationSignatures) -> None:
    # The archive finds the variables in the signatures; `track(model)` would store and load each
    # one a second time (keras-team/keras#23553).
    archive = keras.export.ExportArchive()
    for name, function in signatures.functions.items():
        archive.add_endpoint(name, function, input_signature=[signatures.input_spec(name)])
    archive.write_out(str(path), verbose=False)


def _write_extras(folder: Path, extras: _Extras) -> None:
    folder.mkdir()
    labels = extras.labels
    description = {
        "class_names": labels.class_names,
        "palette": labels.colours,
        "ignore_label": labels.ignore_label,
    }
    (folder / LABELS_FILE).write_text(json.dumps(description, indent=1) + "\n", "utf-8")
    for name, text in extras.files.items():
        (folder / name).write_text(text, "utf-8")
    if extras.warmup:
        write_warmup_requests(folder / WARMUP_FILE, extras.warmup)


def _fitting_labels(labels: LabelSet | None, num_classes: int) -> LabelSet:
    if labels is None:
        names = tuple(f"class_{number}" for number in range(num_classes))
        return LabelSet(names, ignore_label=255 if num_classes <= 255 else 65535)
    if labels.num_classes != num_classes:
        raise KerassegError(
            f"labels name {labels.num_classes} classes, the model gives {num_classes}; give one "
            "name for each channel of the logits."
        )
    return labels


def _checked(assets: Mapping[str, str] | None) -> Mapping[str, str]:
    for name in assets or {}:
        if name in (LABELS_FILE, WARMUP_FILE, "", ".", "..") or Path(name).name != name:
            raise KerassegError(
                f"assets: {name!r} cannot be the name of a further file; give a plain file name "
                f"other than {LABELS_FILE} and {WARMUP_FILE}."
            )
    return assets or {}
