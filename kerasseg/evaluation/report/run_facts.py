"""What a report tells of a run beside its scores: data, time, seed, devices, versions."""

import os
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import tensorflow as tf

from kerasseg.run import Run
from kerasseg.workers.cluster import parse_cluster


def title_of(run: Run) -> str:
    """Returns the heading of a run's report: network, data set, and the name of the directory."""
    described = run.description
    backbone = _recipe(run).get("model", {}).get("backbone")
    network = f"{described.architecture} on {backbone}" if backbone else described.architecture
    return f"{network}, trained on {described.dataset} ({run.path.resolve().name})"


def facts_of(run: Run, images: int, measured: Mapping[str, Any]) -> dict[str, str]:
    """Returns the facts of a run by name, in plain text.

    Args:
        run: The run, described.
        images: How many images it was evaluated on.
        measured: The further entries of its `metrics.json`, which are put into words.
    """
    described, training = run.description, _recipe(run).get("training", {})
    return {
        "data set": described.dataset,
        **{f"fingerprint, {name}": str(value) for name, value in described.fingerprint.items()},
        "validation images": str(images),
        **_in_words(measured),
        **({"seed": str(training["seed"])} if "seed" in training else {}),
        "devices": _devices(training.get("devices", ())),
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "kerasseg": described.kerasseg_version,
        **({"commit": described.commit} if described.commit else {}),
        **described.versions,
    }


def _recipe(run: Run) -> dict[str, Any]:
    path = run.file("recipe.toml")
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _in_words(measured: Mapping[str, Any]) -> dict[str, str]:
    """Returns what is told in one line each; what was skipped is a list of messages."""
    told: dict[str, str] = {}
    for name, value in measured.items():
        if name == "training_seconds":
            told["time of training"] = duration(value)
        elif name == "input_share" and value is not None:
            told["waiting for images"] = f"{100 * value:.0f} % of a step"
        elif isinstance(value, tuple):
            told |= {name: "; ".join(value)} if value else {}
        elif value is not None:
            told[name.replace("_", " ")] = str(value)
    return told


def duration(seconds: float) -> str:
    """Returns a time as it is said.

    Example:
        >>> duration(16.7), duration(1230), duration(9000)
        ('17 s', '20 min 30 s', '2 h 30 min')
    """
    minutes, left = divmod(round(seconds), 60)
    hours, of_hour = divmod(minutes, 60)
    if hours:
        return f"{hours} h {of_hour} min"
    return f"{minutes} min {left} s" if minutes else f"{left} s"


def _devices(chosen: list[str]) -> str:
    """Returns the devices that the recipe names, or those that are taken where it names none."""
    gpus = tf.config.list_physical_devices("GPU")
    kinds = {
        f"GPU:{number}": tf.config.experimental.get_device_details(gpu).get("device_name", "")
        for number, gpu in enumerate(gpus)
    }
    names = chosen or list(kinds) or ["CPU:0"]
    cores = f"of {os.cpu_count()} cores"
    told = [f"{name} {kinds.get(name, cores)}".strip() for name in names]
    cluster = parse_cluster(os.environ.get("TF_CONFIG"))
    machines = f", on each of {len(cluster.addresses)} machines" if cluster else ""
    return ", ".join(told) + machines
