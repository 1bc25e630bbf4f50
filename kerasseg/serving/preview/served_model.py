"""The versions of an exported model, loaded when they are first asked for."""

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from kerasseg.errors import KerassegError, first_line
from kerasseg.serving.assets import ASSETS, LABELS_FILE
from kerasseg.serving.preview.request_path import Wanted
from kerasseg.serving.preview.rest_error import RestError, error_of_run
from kerasseg.serving.versions import latest_version, numbered_versions


class LoadedVersion:
    """A SavedModel that can be asked. Runs may overlap in threads.

    Args:
        number: Its version.
        path: The version directory.

    Attributes:
        number: Its version.
        signature_def: Its signatures as the JSON of their protocol buffers.
    """

    def __init__(self, number: int, path: Path) -> None:
        self.number = number
        self._model = tf.saved_model.load(str(path))
        self.signature_def = _signature_def(path)

    def input_specs(self, signature: str) -> dict[str, tf.TensorSpec]:
        """Returns shape and type of each input of a signature.

        Raises:
            RestError: If there is no such signature.
        """
        if signature not in self._model.signatures:
            raise RestError(f'Serving signature name: "{signature}" not found in signature def')
        return dict(self._model.signatures[signature].structured_input_signature[1])

    def run(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns the outputs of a signature by name.

        Args:
            signature: Its name.
            inputs: Arrays that fit `input_specs`; strings are `bytes` in an array of objects.

        Raises:
            RestError: If TensorFlow refuses them.
        """
        specs = self.input_specs(signature)
        tensors = {name: tf.constant(inputs[name], spec.dtype) for name, spec in specs.items()}
        try:
            outputs = self._model.signatures[signature](**tensors)
        except tf.errors.OpError as error:
            raise error_of_run(error) from None
        return {name: output.numpy() for name, output in sorted(outputs.items())}


class ServedModel:
    """The versions of an exported model, as TensorFlow Serving sees them below its base path.

    The directory is looked at anew with each request: a version that appears is there at once, and
    is the one that is asked where none is named; one that was deleted is gone. What cannot be
    loaded is passed over, and its status says why. Each version is loaded when it is first asked
    for, and stays loaded.

    Args:
        base: The model's base path; or one of its version directories, for that alone.
        name: What requests call it; None for the name of the base path.
        labels: Version numbers by the labels that requests may name instead.

    Attributes:
        name: What requests call it.

    Raises:
        KerassegError: If there is no version, the latest cannot be loaded, or a label is that of
            no version.

    Example:
        >>> import keras
        >>> from kerasseg.serving import export_saved_model
        >>> images = keras.Input((None, None, 3))
        >>> logits = keras.layers.Conv2D(2, 3, padding="same", name="logits")(images)
        >>> version = export_saved_model(keras.Model(images, logits), "leaves", warmup_images=())
        >>> model = ServedModel("leaves")
        >>> model.name, model.version(Wanted("leaves", None, None, "predict")).number
        ('leaves', 1)
    """

    def __init__(
        self,
        base: str | os.PathLike[str],
        name: str | None = None,
        labels: Mapping[str, int] | None = None,
    ) -> None:
        self._base = Path(base).resolve()
        self._loaded: dict[Path, LoadedVersion] = {}
        self._failed: dict[Path, str] = {}
        self._lock = threading.Lock()
        self._labels = dict(labels or {})
        newest = latest_version(self._base)
        self.name = (newest.parent.name if name is None else name) or "model"
        self._check_labels()
        if self._load(max(self.paths), newest) is None:
            raise KerassegError(
                f"{newest} cannot be loaded: {self._failed[newest]} Export it again with "
                "export.saved_model, or give another version directory."
            )

    @property
    def paths(self) -> dict[int, Path]:
        """The version directories by their numbers, as they are now."""
        if not (self._base / "saved_model.pb").is_file():
            found = numbered_versions(self._base)
            return {number: found[number] for number in sorted(found)}
        return {int(self._base.name) if self._base.name.isdecimal() else 1: self._base}

    def version(self, wanted: Wanted) -> LoadedVersion:
        """Returns the version that a request wants, loaded.

        Raises:
            RestError: If there is none, with TensorFlow Serving's message and status.
        """
        missing = f"Servable not found for request: {wanted.servable}"
        if wanted.name != self.name:
            raise RestError(missing, 404)
        number, paths = self._number(wanted), self.paths
        numbers = [number] if number is not None else sorted(paths, reverse=True)
        for each in numbers:
            loaded = self._load(each, paths[each]) if each in paths else None
            if loaded is not None:
                return loaded
        why = self._failed.get(paths[number], "") if number in paths else ""
        raise RestError(f"{missing}: {why}" if why else missing, 404)

    def status(self, wanted: Wanted) -> dict[str, Any]:
        """Returns the JSON of TensorFlow Serving's GetModelStatusResponse.

        Raises:
            RestError: If there is no such model, version or label.
        """
        paths, number = self.paths, None
        if wanted.name == self.name:
            number = self._number(wanted)
        if wanted.name != self.name or not paths:
            raise RestError(f"Could not find any versions of model {wanted.name}", 404)
        if number is not None and number not in paths:
            raise RestError(f"Could not find version {number} of model {self.name}", 404)
        numbers = [number] if number is not None else sorted(paths, reverse=True)
        return {"model_version_status": [self._status(each, paths[each]) for each in numbers]}

    def classes(self) -> dict[str, Any]:
        """Returns what `labels.json` holds by the number of each version that has one."""
        files = {n: path / ASSETS / LABELS_FILE for n, path in self.paths.items()}
        return {
            str(number): json.loads(file.read_bytes())
            for number, file in files.items()
            if file.is_file()
        }

    def _number(self, wanted: Wanted) -> int | None:
        if wanted.label is None:
            return wanted.version
        if wanted.label not in self._labels:
            raise RestError(f"Unrecognized servable version label: {wanted.label}")
        return self._labels[wanted.label]

    def _status(self, number: int, path: Path) -> dict[str, Any]:
        error = self._failed.get(path, "")
        return {
            "version": str(number),
            "state": "END" if error else "AVAILABLE",
            "status": {"error_code": "UNKNOWN" if error else "OK", "error_message": error},
        }

    def _load(self, number: int, path: Path) -> LoadedVersion | None:
        """Returns the version; None where it cannot be loaded."""
        with self._lock:
            self._forget_deleted()
            if path not in self._loaded and path not in self._failed:
                try:
                    self._loaded[path] = LoadedVersion(number, path)
                except Exception as error:  # whatever it is, the other versions go on
                    self._failed[path] = first_line(error)
            return self._loaded.get(path)

    def _forget_deleted(self) -> None:
        for known in (self._loaded, self._failed):
            for path in [path for path in known if not path.is_dir()]:
                del known[path]

    def _check_labels(self) -> None:
        for label, number in self._labels.items():
            if number not in self.paths:
                raise KerassegError(
                    f"the label {label!r} is that of version {number}, which {self._base} does "
                    f"not hold: there is {', '.join(map(str, self.paths))}."
                )


def _signature_def(path: Path) -> dict[str, Any]:
    from google.protobuf.json_format import MessageToDict
    from tensorflow.core.protobuf import saved_model_pb2

    saved_model = saved_model_pb2.SavedModel()
    saved_model.ParseFromString((path / "saved_model.pb").read_bytes())
    return {
        name: MessageToDict(
            signature,
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
        )
        for name, signature in saved_model.meta_graphs[0].signature_def.items()
    }
