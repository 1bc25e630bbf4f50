import pytest

from kerasseg.run import Run, RunDescription
from tests.serving.examples import constant_model, encoded, picture, tiny_model


@pytest.fixture
def run(tmp_path):
    """A run directory as training leaves it, with other weights in best.keras."""
    run = Run(tmp_path / "run")
    run.file("samples").mkdir(parents=True)
    run.file("samples/a.jpg").write_bytes(encoded(picture(48, 64), "JPEG"))
    run.file("samples/b.png").write_bytes(encoded(picture(33, 47, seed=1)))
    run.file("recipe.toml").write_text("seed = 1\n")
    run.describe(
        RunDescription(
            kerasseg_version="0",
            architecture="EfficientFCN",
            class_names=("sky", "road", "car", "tree", "pole"),
            palette=tuple((shade, 0, 0) for shade in range(50, 100, 10)),
            ignore_label=11,
            dataset="folder",
            fingerprint={},
            recipe_hash="none",
            versions={},
        )
    )
    tiny_model().save(run.file("model.keras"))
    constant_model(5, winner=3).save(run.file("best.keras"))
    return run
