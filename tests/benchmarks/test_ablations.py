"""The program of the papers' comparisons: its rule, its table, and what is not done again."""

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from benchmarks import ablation_table, ablations, page_table
from benchmarks.ablation_table import NOT_SEPARATED, Configuration, Difference, Result
from kerasseg.recipe import read_recipe
from tests.data.files import write_folder
from tests.tiny import tiny_backbone

ROWS = (
    Configuration("plain", "Net", "plain", (), reference=True),
    Configuration("wide", "Net", "wide", ()),
    Configuration("deep", "Net", "deep", ()),
)
DATA = {"train": "a", "validation": "b"}


def result(name="plain", seed=0, mean_iou=0.5, recipe="hash", data=DATA):
    return Result(name, seed, recipe, data, mean_iou, 120.0, 367, 4_000_000, 2_500_000_000)


def scored(**scores):
    return {name: [result(name, mean_iou=one) for one in ious] for name, ious in scores.items()}


SCORES = scored(plain=(0.60, 0.61, 0.62), wide=(0.70, 0.71, 0.72), deep=(0.605, 0.60, 0.625))


def test_one_variant_is_compared_by_the_t_test():
    scores = {"plain": (0.60, 0.61, 0.64), "wide": (0.70, 0.72, 0.71)}
    found = ablation_table.differences(ROWS, scored(**scores))["wide"]
    # Student's interval for two samples of one variance.
    wide, plain = np.array(scores["wide"]), np.array(scores["plain"])
    error = np.sqrt((wide.var(ddof=1) + plain.var(ddof=1)) / 2 * (1 / 3 + 1 / 3))
    reach = stats.t.ppf(0.975, 4) * error
    assert found.value == pytest.approx(wide.mean() - plain.mean())
    assert (found.low, found.high) == pytest.approx(
        (found.value - reach, found.value + reach), abs=1e-4
    )


def test_more_variants_make_every_interval_wider():
    one = ablation_table.differences(ROWS[:2], SCORES)["wide"]
    pooled = np.mean([np.var([each.mean_iou for each in runs], ddof=1) for runs in SCORES.values()])
    both = ablation_table.differences(ROWS, SCORES)["wide"]
    single = stats.t.ppf(0.975, 6) * np.sqrt(pooled * 2 / 3)
    assert one.value == both.value == pytest.approx(0.1)
    assert (both.high - both.low) / 2 > 1.1 * single
    # Bonferroni's is the widest that they may be.
    bonferroni = stats.t.ppf(1 - 0.025 / 2, 6) * np.sqrt(pooled * 2 / 3)
    assert (both.high - both.low) / 2 < bonferroni


@pytest.mark.parametrize(
    ("low", "high", "finding"),
    [(0.01, 0.03, "higher"), (-0.03, -0.01, "lower"), (-0.01, 0.03, NOT_SEPARATED)],
)
def test_an_interval_without_0_separates(low, high, finding):
    assert Difference((low + high) / 2, low, high).finding == finding


def test_one_seed_of_either_is_not_compared():
    assert ablation_table.differences(ROWS, SCORES | scored(plain=(0.6,))) == {}
    assert list(ablation_table.differences(ROWS, SCORES | scored(deep=(0.6,)))) == ["wide"]


def test_the_table_has_spread_cost_and_finding():
    _, _, *lines = ablation_table.tables(ROWS, SCORES).splitlines()
    plain, wide, deep, _, said = lines
    assert plain == "| plain | 4.00 M | 2.50 | 2.0 | 0.610 ± 0.010 (3 seeds) |  | the reference |"
    assert wide.startswith("| wide | 4.00 M | 2.50 | 2.0 | 0.710 ± 0.010 (3 seeds) | +0.100 [+0.0")
    assert wide.endswith("] | higher |")
    assert deep.endswith("] | not separated by this budget |")
    assert "Higher: wide. Lower: none. Not separated by this budget: deep." in said
    assert ablation_table.tables(ROWS, SCORES) == ablation_table.tables(ROWS, SCORES)


def test_what_was_not_run_says_so():
    table = ablation_table.tables(ROWS, scored(plain=(0.6,), wide=(0.7, 0.71))).splitlines()
    assert table[2].endswith("| 0.600 (1 seed) |  | the reference |")
    assert table[3].endswith(
        "| 0.705 ± 0.007 (2 seeds) |  | not compared: it takes two seeds of both |"
    )
    assert table[4] == "| deep | | | | not run | | |"
    assert len(table) == 5


def test_the_configurations_are_those_of_the_papers():
    options = {
        each.name: read_recipe(ablations.RECIPE, each.settings).model.options
        for each in ablations.CONFIGURATIONS
    }
    assert len(options) == len(ablations.CONFIGURATIONS) == 14
    refinenet = [each for name, each in options.items() if name.startswith("refinenet")]
    assert [each["cascade"] for each in refinenet] == [4, 2, 1, 4, 4, 4, 4]
    assert [each["scales"] for each in refinenet].count((1.2, 0.6)) == 1
    chains = {(each["pooling_blocks"], each["pooling_order"]) for each in refinenet}
    assert chains == {(2, "pool_conv"), (2, "conv_pool"), (4, "pool_conv"), (4, "conv_pool")}
    efficientfcn = [each for name, each in options.items() if name.startswith("efficientfcn")]
    found = [(each["num_codewords"], each["guided"]) for each in efficientfcn]
    assert found == [*((n, True) for n in (8, 16, 32, 64, 128, 256)), (64, False)]
    assert [each.reference for each in ablations.CONFIGURATIONS].count(True) == 2


@pytest.fixture
def trained(monkeypatch):
    """Stands in for training, and remembers what was trained."""
    names = []

    def train(job, train_images, options):
        names.append(f"{job.configuration.name}/{job.seed}")
        made_up = 0.5 + 0.01 * job.seed + 0.001 * len(names)
        found = result(job.configuration.name, job.seed, made_up, job.recipe.fingerprint)
        job.run.path.mkdir(parents=True)
        for name in ("metrics.json", "model.keras"):
            job.run.file(name).write_text("{}")
        (job.run.path / "checkpoint").mkdir()
        job.run.file("result.json").write_text(json.dumps(dataclasses.asdict(found)))
        return found

    splits = SimpleNamespace(fingerprint=DATA, train=range(367))
    monkeypatch.setattr(ablations, "_train", train)
    monkeypatch.setattr("kerasseg.experiment.splits.find_splits", lambda recipe, data_dir: splits)
    return names


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "ablations.md"
    path.write_text(ablations.PAGE.read_text())
    return path


@pytest.fixture
def start(tmp_path, page):
    places = ["--output", str(tmp_path / "runs"), "--page", str(page)]
    return lambda *arguments: ablations.main([*places, *arguments])


def test_what_is_done_is_not_done_again(start, trained, page, tmp_path, capsys):
    assert start("--only", "refinenet", "--seeds", "0", "1") == 0
    assert trained == ["refinenet/0", "refinenet/1"]
    assert start("--only", "refinenet", "efficientfcn-8") == 0
    assert trained[2:] == ["refinenet/2", *(f"efficientfcn-8/{seed}" for seed in (0, 1, 2))]
    assert "6 of 42 runs were done" in page.read_text()
    left = {path.name for path in (tmp_path / "runs/refinenet/seed-0").iterdir()}
    assert left == {"result.json", "metrics.json"}
    capsys.readouterr()
    assert start("--list") == 0
    listed = capsys.readouterr().out.splitlines()
    assert len(listed) == 42
    assert [line for line in listed if line.endswith(": done")] == [
        *(f"refinenet, seed {seed}: done" for seed in (0, 1, 2)),
        *(f"efficientfcn-8, seed {seed}: done" for seed in (0, 1, 2)),
    ]
    assert len(trained) == 6


def test_the_page_states_the_budget(start, trained, page):
    start("--only", "refinenet", "--seeds", "0", "0")
    assert trained == ["refinenet/0"]
    text = page.read_text()
    assert "Each run has 135 steps of 8 crops of 192x256: 3 epochs of 367 photos, 1,080" in text
    assert "1 of 14 runs were done (seeds 0), 2 minutes of one core in all." in text
    # The words of the page stay.
    assert text.split("<!-- table")[0] == ablations.PAGE.read_text().split("<!-- table")[0]


def test_the_tables_alone_train_nothing(start, trained, page):
    assert start("--table") == 0
    assert trained == []
    assert "Not run yet. `python -m benchmarks.ablations --data-dir DIR` trains the 42" in (
        page.read_text()
    )


def test_another_budget_leaves_the_page(tmp_path, trained, monkeypatch, page):
    monkeypatch.setattr(ablations, "PAGE", page)
    before = page.read_text()
    tried = ["--output", str(tmp_path / "runs"), "--only", "refinenet", "--seeds", "0"]
    assert ablations.main([*tried, "--set", "training.epochs=1"]) == 0
    assert trained == ["refinenet/0"]
    assert page.read_text() == before


def refused(capsys, status):
    assert status == 2
    return capsys.readouterr().err


def test_a_result_of_another_recipe_is_refused(start, trained, capsys):
    start("--only", "refinenet", "--seeds", "0")
    message = refused(capsys, start("--table", "--set", "training.epochs=7"))
    assert "is the result of another recipe than ablations.toml with these settings." in message
    assert "Give another --output, or delete it." in message


def test_a_result_of_other_data_is_refused(start, trained, capsys, monkeypatch):
    start("--only", "refinenet", "--seeds", "0")
    other = SimpleNamespace(fingerprint={"train": "c"}, train=range(9))
    monkeypatch.setattr("kerasseg.experiment.splits.find_splits", lambda recipe, data_dir: other)
    message = refused(capsys, start("--only", "refinenet", "--seeds", "0"))
    assert "holds the result of other data than --data-dir has." in message


def test_a_file_that_is_no_result_is_named(start, trained, capsys, tmp_path):
    start("--only", "refinenet", "--seeds", "0")
    (tmp_path / "runs/refinenet/seed-0/result.json").write_text("{}")
    message = refused(capsys, start("--list"))
    assert "seed-0/result.json is no result of this program. Delete it" in message


def test_an_unknown_configuration_is_named(start, trained, capsys):
    message = refused(capsys, start("--only", "refinenet-2-scale"))
    assert (
        "unknown configuration 'refinenet-2-scale': did you mean 'refinenet-2-scales'?" in message
    )
    assert trained == []


def test_the_results_of_the_runs_lie_beside_the_page(start, trained, page):
    assert start("--table") == 0
    assert not page.with_suffix(".json").exists()
    start("--only", "refinenet")
    results = [
        ablations.Result(**each) for each in json.loads(page.with_suffix(".json").read_text())
    ]
    assert [(each.configuration, each.seed) for each in results] == [
        ("refinenet", seed) for seed in (0, 1, 2)
    ]
    assert [each.mean_iou for each in results] == pytest.approx([0.501, 0.512, 0.523])


def test_the_tables_of_the_page_are_the_programs(tmp_path, page):
    """What stands there is written by the program, of the results that lie beside it."""
    jobs = list(ablations._jobs(ablations._parser().parse_args(["--output", str(tmp_path)])))
    results = ablations.PAGE.with_suffix(".json")
    found = json.loads(results.read_text()) if results.exists() else []
    done = [ablations.Result(**each) for each in found]
    recipes = {(job.configuration.name, job.seed): job.recipe.fingerprint for job in jobs}
    assert {
        (each.configuration, each.seed): each.recipe for each in done
    }.items() <= recipes.items()
    page_table.replace(ablations.PROGRAM, ablations.page_text(jobs, done), page)
    assert page.read_text() == ablations.PAGE.read_text()


TINY = (
    "model.backbone=tiny",
    "model.backbone_weights=none",
    "data.dataset=folder",
    'data.class_names=["ground", "box", "ball"]',
    "loss.class_weights=[1.0, 1.0, 1.0]",
    "augmentation.crop_size=[64, 64]",
    "training.epochs=1",
    "training.batch_size=2",
)


@pytest.mark.slow
def test_two_tiny_networks_are_trained(start, tmp_path, page, capfd):
    for split, sizes in (("train", [(64, 80)] * 4), ("val", [(64, 96)] * 2)):
        write_folder(tmp_path / "data", sizes, split=split)
    settings = [part for setting in TINY for part in ("--set", setting)]
    names = ("refinenet-single", "efficientfcn-64-unguided")
    choice = ["--only", *names, "--seeds", "0", "--data-dir", str(tmp_path / "data"), *settings]
    with tiny_backbone():
        assert start(*choice, "--program", "tests.training.train_tiny") == 0
        assert "2 of 14 runs were done (seeds 0)" in page.read_text()
        for name in names:
            run = tmp_path / "runs" / name / "seed-0"
            left = {path.name for path in run.iterdir()}
            assert left == ablations.KEPT
            found = json.loads((run / "result.json").read_text())
            metrics = json.loads((run / "metrics.json").read_text())
            assert found["mean_iou"] == metrics["mean_iou"]
            # Its start is in it, which takes more than a second of training.
            assert metrics["training_seconds"] > 0
            assert found["processor_seconds"] > 3
            assert found["train_images"] == 4
            assert found["parameters"] > 1000
            assert found["macs"] > found["parameters"]
        # The program that trains is not there, and nobody asks for it.
        assert start(*choice, "--program", "no.such.program") == 0
        message = "refinenet-single, seed 1 has not ended well"
        assert start(*choice[:3], "--seeds", "1", *choice[5:], "--program", "no.such.program") == 2
        assert message in capfd.readouterr().err
