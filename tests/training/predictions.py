"""The program of predictions, and what it leaves."""

from pathlib import Path

from training.predict import main


def run(run_dir: Path, out: Path, *arguments: object) -> int:
    """Predicts by a run and returns the exit status."""
    return main([str(run_dir), "--out", str(out), *map(str, arguments)])


def files(folder: Path) -> list[str]:
    """Returns the files of a folder by their paths in it."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
