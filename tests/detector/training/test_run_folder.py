"""The folder of a training."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sightline.detector.network import Network
from sightline.detector.training.models import make_network, take_over
from sightline.detector.training.recipe import Recipe
from sightline.detector.training.run_folder import RunFolder, load_network
from sightline.errors import ConfigError, InputError, ModelError
from sightline.learning.checkpoints import write_checkpoint

RECIPE = Recipe(scale="p", classes=("person", "car"))


def _trained(folder: Path, recipe: Recipe = RECIPE) -> Path:
    run = RunFolder(folder)
    run.write_network(make_network(recipe).eval(), recipe, {"epoch": 1, "scores": {"AP50": 0.5}})
    return run.best


def test_a_folder_that_holds_a_training_is_not_begun_again(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "a/b")
    folder.begin(RECIPE)
    assert folder.resolved_recipe() == RECIPE
    folder.begin(RECIPE)  # no epoch is complete yet: nothing is lost
    write_checkpoint(folder.last, {"epoch": 1})
    with pytest.raises(InputError, match="holds a training already; go on with it by --resume"):
        folder.begin(RECIPE)


def test_a_folder_without_a_training_cannot_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no training to resume"):
        RunFolder(tmp_path).resolved_recipe()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file/run: the folder cannot be made"):
        RunFolder(tmp_path / "file/run")


def test_the_log_forgets_the_epochs_that_are_done_again_and_half_lines(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.begin(RECIPE)
    for epoch in range(3):
        folder.append({"epoch": epoch, "losses": {"total": 1.0}})
    with folder.metrics.open("a") as stream:
        stream.write('{"epoch": 3, "los')  # a kill while it was written
    assert [row["epoch"] for row in folder.rows()] == [0, 1, 2]
    assert [row["epoch"] for row in folder.rows(2)] == [0, 1]
    folder.append({"epoch": 2})
    assert [row["epoch"] for row in folder.rows()] == [0, 1, 2]


def test_a_network_comes_back_with_its_recipe_and_facts(tmp_path: Path) -> None:
    best = _trained(tmp_path)
    for path in (tmp_path, best):
        network, recipe, facts = load_network(path)
        assert isinstance(network, Network)
        assert network.class_names == ("person", "car")
        assert recipe == RECIPE
        assert facts["scores"] == {"AP50": 0.5}


def test_a_file_that_is_no_network_of_ours_is_refused(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "best.pt", {"model": torch.zeros(1)})
    with pytest.raises(ModelError, match="not a detector that Sightline trained"):
        load_network(tmp_path)
    with pytest.raises(ModelError, match=r"empty\.pt: no such checkpoint"):
        load_network(tmp_path / "empty.pt")


def test_training_starts_from_the_weights_that_the_recipe_names(tmp_path: Path) -> None:
    best = _trained(tmp_path)
    other = load_network(best)[0].state_dict()
    same = make_network(RECIPE.model_copy(update={"weights": str(best)})).state_dict()
    for name, value in same.items():
        assert torch.equal(value, other[name]), name
    fewer = RECIPE.model_copy(update={"weights": str(best), "classes": ("dog",)})
    network = make_network(fewer)
    for name, value in network.state_dict().items():
        if not name.startswith("head.scores"):
            assert torch.equal(value, other[name]), name
    assert network.state_dict()["head.scores.0.weight"].shape[0] == 1


def test_weights_of_another_scale_are_refused(tmp_path: Path) -> None:
    best = _trained(tmp_path)
    with pytest.raises(ModelError, match="scale p with backbone csp; the recipe says n"):
        take_over(Network(("person",), "n"), best)


def test_frozen_layers_are_those_nearest_to_the_picture(tmp_path: Path) -> None:
    best = _trained(tmp_path)
    network = make_network(RECIPE.model_copy(update={"frozen_layers": 2, "weights": str(best)}))
    frozen = {name for name, value in network.named_parameters() if not value.requires_grad}
    assert {name.split(".")[1] for name in frozen} == {"stem", "stages"}
    assert {name.split(".")[2] for name in frozen if ".stages." in name} == {"0"}


def test_layers_with_random_weights_are_not_frozen() -> None:
    with pytest.raises(ConfigError, match="frozen_layers: the layers would keep random weights"):
        make_network(RECIPE.model_copy(update={"frozen_layers": 2}))


def test_backbone_weights_need_a_backbone_of_torchvision() -> None:
    with pytest.raises(ConfigError, match="our own backbone csp has no pre-trained weights"):
        make_network(RECIPE.model_copy(update={"backbone_weights": "torchvision"}))
