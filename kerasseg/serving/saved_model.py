"""Export of a model as a SavedModel that TensorFlow Serving loads."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.evaluation.inference.protocol import Protocol
from kerasseg.files import atomic_directory
from kerasseg.label_set import LabelSet
from kerasseg.serving.assets import (
    ASSETS,
    ExportRecord,
    checked_assets,
    write_labels,
    write_record,
)
from kerasseg.serving.freezing import (
    FROZEN_UNASKED_BYTES,
    MOST_FROZEN_BYTES,
    weight_bytes,
)
from kerasseg.serving.network import check_servable, graph_protocol
from kerasseg.serving.signatures import (
    MAX_PIXELS,
    SegmentationSignatures,
    check_max_pixels,
    signature_kinds,
)
from kerasseg.serving.slimming import SlimModel, precision_of, slim
from kerasseg.serving.versions import next_version
from kerasseg.serving.warmup import (
    WARMUP_FILE,
    default_images,
    warmup_requests,
    write_warmup_requests,
)
from kerasseg.version import __version__


@dataclass(frozen=True)
class _Extras:
    """What lies in `assets.extra/` beside the graph."""

    labels: LabelSet
    warmup: Sequence[bytes]
    files: Mapping[str, str]
    record: ExportRecord


def export_saved_model(
    model: keras.Model,
    path: str | os.PathLike[str],
    *,
    labels: LabelSet | None = None,
    warmup_images: Sequence[bytes] | None = None,
    assets: Mapping[str, str] | None = None,
    precision: str | None = None,
    protocol: str | Protocol = "whole",
    max_pixels: int | None = MAX_PIXELS,
    default_signature: str = "bytes",
    frozen: bool | None = None,
    fold: bool = True,
) -> Path:
    """Writes `model` as the next version of a served model and returns `path/<version>/`.

    The signatures are those of `kerasseg.serving.SegmentationSignatures`: encoded images to PNG
    masks (`serving_default`), pixels to class ids (`pixels`) and to probabilities
    (`probabilities`), encoded images to coloured pictures (`overlay`). The SavedModel loads
    without Keras and kerasseg. The directory appears as a whole or not at all, and no version is
    ever overwritten, by whoever exports meanwhile.

    What is exported is a copy of `model` without dropout, and with each batch norm folded into
    the conv that it follows. `assets.extra/` holds `labels.json` (`class_names`, `palette`, RGB
    0..255, one colour a class, and `ignore_label`, which never stands in a mask), `export.json`
    (how it was exported, and which batch norms could not be folded), and
    `tf_serving_warmup_requests`, by which the server runs every signature before it takes
    requests.

    Args:
        model: A plain functional model: RGB pixels 0..255 `(N, H, W, 3)` to `(N, H, W, C)`, its
            last layer named `"logits"` or `"probabilities"`.
        path: The model's base path, made if need be.
        labels: Names and colours of the classes; None for `class_0`, `class_1` and so on.
        warmup_images: Encoded images that the warm-up requests are made of, best of the sizes
            that clients send, and of at most `max_pixels`; None for one grey image, `()` for no
            warm-up requests. They need
            `tensorflow-serving-api` (`pip install "kerasseg[serving]"`).
        assets: Further texts for `assets.extra/` by file name.
        precision: What is computed in: `"float32"`, `"bfloat16"` or `"float16"`; None for what
            the model does, which is bfloat16 if it was trained under `mixed_bfloat16`. The
            classifier and all behind it compute in float32 in any case.
        protocol: The scales, and mirroring, over which probabilities are averaged within the
            graph; see `SegmentationSignatures`.
        max_pixels: The largest image that is answered, height times width; None for any.
        default_signature: What `serving_default` takes, `"bytes"` or `"pixels"`.
        frozen: Whether the weights are constants of the graph, which runs faster, or variables;
            None for constants up to 64 MB of them, since they take many times the memory. More
            than 1.5 GB of them no graph can hold.
        fold: Whether batch norms are folded.

    Raises:
        KerassegError: If the model is of another kind, `labels` has another number of classes,
            a warm-up image cannot be decoded or is too large, an argument is out of its range, or
            `path` cannot hold versions.

    Example:
        >>> import tempfile
        >>> images = keras.Input((None, None, 3))
        >>> logits = keras.layers.Conv2D(2, 3, padding="same", name="logits")(images)
        >>> model = keras.Model(images, logits)
        >>> version = export_saved_model(model, tempfile.mkdtemp(), warmup_images=())
        >>> version.name, (version / "saved_model.pb").is_file()
        ('1', True)
    """
    check_servable(model)
    check_max_pixels(max_pixels)
    views = graph_protocol(protocol, bounds_images=True)
    base, labels = Path(path), fitting_labels(labels, int(model.output_shape[-1]))
    images = default_images(max_pixels) if warmup_images is None else warmup_images
    kinds = signature_kinds(default_signature)
    warmup, files = warmup_requests(images, base.name, kinds, max_pixels), checked_assets(assets)
    next_version(base)
    slimmed = slim(model, fold=fold, precision=precision)
    constants = _is_frozen(slimmed.model, frozen)
    signatures = SegmentationSignatures(
        slimmed.model,
        protocol=views,
        palette=labels.colours,
        max_pixels=max_pixels,
        default_signature=default_signature,
        frozen=constants,
    )
    record = _record(slimmed, signatures, constants)
    return _written(base, signatures, _Extras(labels, warmup, files, record))


def _record(slimmed: SlimModel, signatures: SegmentationSignatures, frozen: bool) -> ExportRecord:
    return ExportRecord(
        kerasseg_version=__version__,
        signatures=signatures.kinds,
        precision=precision_of(slimmed.model),
        protocol=signatures.protocol.to_json(),
        max_pixels=signatures.max_pixels,
        frozen=frozen,
        folded=slimmed.folded,
        not_folded=slimmed.not_folded,
    )


def _is_frozen(model: keras.Model, frozen: bool | None) -> bool:
    size = weight_bytes(model)
    if frozen and size > MOST_FROZEN_BYTES:
        raise KerassegError(
            f"frozen: the weights take {size / 1e9:.1f} GB, and a graph holds at most "
            f"{MOST_FROZEN_BYTES / 1e9:.1f} GB of constants: leave it out, and they stay variables."
        )
    return size <= FROZEN_UNASKED_BYTES if frozen is None else frozen


def _written(base: Path, signatures: SegmentationSignatures, extras: _Extras) -> Path:
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
    module = tf.Module()
    functions = {
        name: tf.function(
            function, input_signature=[signatures.input_spec(name)], autograph=False
        ).get_concrete_function()
        for name, function in signatures.functions.items()
    }
    # Saved is what hangs on the module; each variable once, however many signatures use it.
    used = {id(each): each for function in functions.values() for each in function.variables}
    module.weights = [*used.values()]
    tf.saved_model.save(module, str(path), signatures=functions)


def _write_extras(folder: Path, extras: _Extras) -> None:
    folder.mkdir()
    write_labels(folder, extras.labels)
    write_record(folder, extras.record)
    for name, text in extras.files.items():
        (folder / name).write_text(text, "utf-8")
    if extras.warmup:
        write_warmup_requests(folder / WARMUP_FILE, extras.warmup)


def fitting_labels(labels: LabelSet | None, num_classes: int) -> LabelSet:
    """Returns labels, or where there are none names and colours that say nothing.

    Raises:
        KerassegError: If they are of another number of classes.
    """
    if labels is None:
        names = tuple(f"class_{number}" for number in range(num_classes))
        return LabelSet(names, ignore_label=255 if num_classes <= 255 else 65535)
    if labels.num_classes != num_classes:
        raise KerassegError(
            f"labels name {labels.num_classes} classes, the model gives {num_classes}; give one "
            "name for each channel of the logits."
        )
    return labels
