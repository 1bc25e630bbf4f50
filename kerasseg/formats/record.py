"""What an exported file says of itself: how it was exported, and what its classes are."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from kerasseg.errors import KerassegError
from kerasseg.evaluation.inference.protocol import Protocol
from kerasseg.formats.calibration import Calibration
from kerasseg.formats.network import ExportedNetwork
from kerasseg.label_set import Colour, LabelSet
from kerasseg.serving.saved_model import fitting_labels
from kerasseg.version import __version__

RECORD_KEY = "kerasseg"  # of the record in OpenVINO's runtime information
RECORD_SUFFIX = ".json"  # of the record beside a file in LiteRT's format
PIXELS = "uint8 [batch, height, width, 3], RGB, 0..255; the network normalizes them itself"


@dataclass(frozen=True)
class ArtifactRecord:
    """How a file was exported, which it holds as metadata.

    Args:
        format: `"onnx"`, `"litert"` or `"openvino"`.
        precision: `"float32"`, `"float16"` or `"int8"`.
        output: `"probabilities"` or `"mask"`.
        class_names: One a class.
        palette: One RGB colour, 0..255, a class.
        ignore_label: The void label, which never stands in a mask.
        protocol: The arguments of the `Protocol` that is in the graph.
        calibration: Of int8: how many images, their split and the seed; else None.
        pixels: What the input is.
        kerasseg_version: The version that exported it.

    Example:
        >>> record = ArtifactRecord("onnx", "float32", "mask", ("soil", "leaf"))
        >>> ArtifactRecord.from_texts(record.to_texts()) == record
        True
    """

    format: str
    precision: str
    output: str
    class_names: tuple[str, ...]
    palette: tuple[Colour, ...] = ()
    ignore_label: int = 255
    protocol: Mapping[str, Any] | None = None
    calibration: Mapping[str, Any] | None = None
    pixels: str = PIXELS
    kerasseg_version: str = __version__

    @property
    def views(self) -> Protocol:
        """The scales and the mirroring that are in the graph."""
        return Protocol(**(self.protocol or {}))

    def to_texts(self) -> dict[str, str]:
        """Returns a text a field: itself, or JSON where it is no text."""
        return {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_text(cls, file: Path) -> "ArtifactRecord":
        """Returns the record that lies beside an exported file as JSON.

        Raises:
            KerassegError: If it is missing or malformed.
        """
        try:
            values = json.loads(file.read_bytes())
        except (OSError, ValueError) as error:
            raise KerassegError(
                f"{file}, which lies beside it and says how it was exported, cannot be read "
                f"({error}): export it again, and move both together."
            ) from None
        texts = values.items() if isinstance(values, dict) else ()
        return cls.from_texts(
            {name: value if isinstance(value, str) else json.dumps(value) for name, value in texts}
        )

    def to_json(self) -> str:
        """Returns the record as indented JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_texts(cls, texts: Mapping[str, str]) -> "ArtifactRecord":
        """Returns the record that `to_texts` made texts of; further texts are passed over.

        Raises:
            KerassegError: If one is missing or malformed: kerasseg did not export the file.
        """
        try:
            values: dict[str, Any] = {
                each.name: texts[each.name] if each.type is str else json.loads(texts[each.name])
                for each in fields(cls)
            }
            values["class_names"] = tuple(values["class_names"])
            values["palette"] = tuple(tuple(colour) for colour in values["palette"])
            return cls(**values)
        except (KeyError, ValueError, TypeError) as error:
            raise KerassegError(
                f"its metadata do not say how it was exported ({error!r}): export it again with "
                "export.onnx, export.litert or export.openvino."
            ) from None


def new_record(
    kind: str,
    precision: str,
    network: ExportedNetwork,
    labels: LabelSet | None,
    calibration: Calibration | None = None,
) -> ArtifactRecord:
    """Returns the record of a file that is about to be written.

    Raises:
        KerassegError: If `labels` has another number of classes than the network.
    """
    labels = fitting_labels(labels, network.num_classes)
    return ArtifactRecord(
        format=kind,
        precision=precision,
        output=network.output,
        class_names=labels.class_names,
        palette=labels.colours,
        ignore_label=labels.ignore_label,
        protocol=network.protocol.to_json(),
        calibration=calibration.description if calibration else None,
    )
