"""From a recipe to a run directory: data, model, training, evaluation."""

from kerasseg.experiment.experiment import run_experiment
from kerasseg.experiment.smoke import run_smoke_test, smoke_recipe

__all__ = ["run_experiment", "run_smoke_test", "smoke_recipe"]
