"""Which tensors of a weights file do not fit a model: all of them, by name and shape."""

import os
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, TypeAlias

import keras

from kerasseg.errors import KerassegError

Shapes: TypeAlias = dict[str, tuple[int, ...]]


def shapes_in_file(path: str | os.PathLike[str]) -> Shapes:
    """Returns the shape of every tensor in a weights file, beside an optimizer's.

    A tensor is named by the layers that hold it and by its number in the innermost, in the
    order of Keras: `"stride4_crp/convs/conv1/0"`; 0 is a convolution's kernel and 1 its bias. A
    layer that Keras numbered itself is named by its class and its place among those, since the
    number of Keras depends on what was built before.

    Args:
        path: A `.keras` file, a `.weights.h5` file, or an `.h5` file in the layout of the
            weights of Keras Applications.

    Raises:
        OSError, KeyError, zipfile.BadZipFile: If the file cannot be read.
    """
    import h5py

    with ExitStack() as stack:
        source: str | os.PathLike[str] | IO[bytes] = path
        if os.fspath(path).endswith(".keras"):
            archive = stack.enter_context(zipfile.ZipFile(path))
            source = stack.enter_context(archive.open("model.weights.h5"))
        file = stack.enter_context(h5py.File(source, "r"))
        # A whole model in the older layout.
        file = file.get("model_weights", file)
        by_layer = "layer_names" in file.attrs
        return dict(_of_layers(file) if by_layer else _of_object(file, "", {"optimizer"}))


def shapes_in_model(model: keras.Model) -> Shapes:
    """Returns the shape of every tensor of a model, by the names that its weights file has."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "model.weights.h5"
        model.save_weights(path)
        return shapes_in_file(path)


def differences(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Returns how the shapes of a file differ from those of a model: the counts, then each tensor.

    Returns an empty text where they agree.

    Args:
        held: The shapes in the file, by name.
        wanted: The shapes in the model, by name.

    Example:
        >>> print(differences({"a/0": (3,), "b/0": (5,)}, {"a/0": (4,), "c/0": (5,)}))
        1 tensor is missing, 1 is not the model's and 1 has another shape.
        Missing in the file:
          c/0 (5,)
        Not the model's:
          b/0 (5,)
        Of another shape:
          a/0 (3,) in the file, (4,) in the model
    """
    missing = [f"{name} {wanted[name]}" for name in sorted(wanted.keys() - held.keys())]
    unexpected = [f"{name} {held[name]}" for name in sorted(held.keys() - wanted.keys())]
    reshaped = [
        f"{name} {held[name]} in the file, {wanted[name]} in the model"
        for name in sorted(held.keys() & wanted.keys())
        if held[name] != wanted[name]
    ]
    if not (missing or unexpected or reshaped):
        return ""
    lines = [_counts(len(missing), len(unexpected), len(reshaped))]
    groups = (("Missing in the file", missing), ("Not the model's", unexpected))
    for title, names in (*groups, ("Of another shape", reshaped)):
        lines += [f"{title}:", *(f"  {name}" for name in names)] if names else []
    return "\n".join(lines)


def misfit(problem: str, found: str, remedy: str) -> KerassegError:
    """Returns the error for weights that do not fit: two lines to read, then each tensor.

    Args:
        problem: Which file does not fit what.
        found: The text of `differences`, or one line where the tensors could not be compared.
        remedy: What to do.

    Example:
        >>> print(misfit("a.h5 does not fit", differences({}, {"a/0": (4,)}), "Give another."))
        a.h5 does not fit: 1 tensor is missing.
        Give another.
        Missing in the file:
          a/0 (4,)
    """
    counts, _, tensors = found.partition("\n")
    return KerassegError("\n".join(filter(None, (f"{problem}: {counts}", remedy, tensors))))


def _counts(missing: int, unexpected: int, reshaped: int) -> str:
    counts = ((missing, "missing"), (unexpected, "not the model's"))
    parts = [f"{n} {'is' if n == 1 else 'are'} {what}" for n, what in counts if n]
    if reshaped:
        parts.append(f"{reshaped} {'has' if reshaped == 1 else 'have'} another shape")
    number, _, rest = parts[0].partition(" ")
    parts[0] = f"{number} tensor{'' if number == '1' else 's'} {rest}"
    return (", ".join(parts[:-1]) + " and " if parts[1:] else "") + parts[-1] + "."


def _of_object(group: Any, name: str, skipped: set[str]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yields the tensors of a saved object, then those of its attributes, which are objects too."""
    for number, tensor in group.get("vars", {}).items():
        yield _join(name, number), tuple(tensor.shape)
    for attribute in group.keys() - {"vars"} - skipped:
        child = group[attribute]
        if "vars" in child:
            yield from _of_object(child, _join(name, attribute), set())
            continue
        # A list of objects; the layers of a model are its contents and need no name.
        place = name if attribute == "layers" else _join(name, attribute)
        for key, label in _labels(child).items():
            yield from _of_object(child[key], _join(place, label), set())


def _labels(container: Any) -> dict[str, str]:
    """Returns the name of each object in a list, by its key, which is of its class and number."""
    labels: dict[str, str] = {}
    automatic: dict[str, int] = {}
    for key in sorted(container, key=_class_and_number):
        kind, _ = _class_and_number(key)
        label = _given_name(container[key]) or key
        if _class_and_number(label)[0] == kind:
            place = automatic.get(kind, 0)
            automatic[kind] = place + 1
            label = f"{kind}_{place}" if place else kind
        labels[key] = label if label not in labels.values() else f"{label} ({key})"
    return labels


def _class_and_number(key: str) -> tuple[str, int]:
    """Takes `"conv2d_3"` apart; the first of a class has no number."""
    found = re.fullmatch(r"(.*?)(?:_(\d+))?", key)
    return (found[1], int(found[2] or 0)) if found else (key, 0)


def _given_name(group: Any) -> str | None:
    return group["vars"].attrs.get("name") if "vars" in group else None


def _of_layers(file: Any) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yields the tensors of the older layout: a group a layer, and the names in attributes."""
    for layer in file.attrs["layer_names"]:
        group = file[layer]
        for number, weight in enumerate(group.attrs["weight_names"]):
            yield f"{_text(layer)}/{number}", tuple(group[weight].shape)


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _join(*parts: str) -> str:
    return "/".join(part for part in parts if part)
