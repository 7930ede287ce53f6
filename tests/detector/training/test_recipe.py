"""Recipes: files, names, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightline.detector.training.recipe import Recipe, read_recipe, recipe_names, write_recipe
from sightline.errors import ConfigError


def _written(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_of_the_package_is_valid_and_read_by_its_name(name: str) -> None:
    assert read_recipe(name).epochs >= 1


def test_the_recipes_that_the_guide_names_are_there() -> None:
    assert {"finetune", "gpu", "smoke", "transfer-mobilenet-v2"} <= set(recipe_names())
    assert "sightline-reid" not in recipe_names()


def test_a_recipe_comes_back_as_it_was_written(tmp_path: Path) -> None:
    recipe = Recipe(scale="p", classes=("person",), sizes=(320, 416), set_weights={"a": 0.5})
    write_recipe(tmp_path / "r.yaml", recipe)
    assert read_recipe(tmp_path / "r.yaml") == recipe


def test_an_empty_file_is_the_default_recipe(tmp_path: Path) -> None:
    assert read_recipe(_written(tmp_path, "")) == Recipe()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch: 3", "epoch: no such key; did you mean epochs?"),
        ("augmentation: {mosiac: 1}", "augmentation.mosiac: no such key; did you mean mosaic?"),
        ("optimizer: {nmae: sgd}", "optimizer.nmae: no such key; did you mean name?"),
        ("schedule: {xyz: 1}", "schedule.xyz: no such key; known are decay, warm_up"),
        ("epochs: many", "epochs: .*got 'many'"),
        ("sizes: [100]", "sizes.0: .*multiple of 32, got 100"),
        ("classes: []", "classes: .*got"),
        ("schedule: {warm_up: 0.6, hold: 0.5}", "schedule: .*below 1"),
        ("augmentation: {scale: [2, 1]}", "augmentation: .*scale: expected"),
        ("1: 2", "1: .*string"),
        ("- a", "a recipe is a mapping"),
        ("a: [", "not YAML"),
        ("\x00", "not YAML"),
    ],
)
def test_a_mistake_is_named_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = _written(tmp_path, text)
    with pytest.raises(ConfigError, match=message) as caught:
        read_recipe(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("finetun", "no recipe 'finetun' and no such YAML file; did you mean finetune"),
        ("zzz", "no recipe 'zzz' and no such YAML file; known are .*gpu.*smoke"),
        ("nowhere/r.yaml", "nowhere/r.yaml: there is no such recipe"),
        (Path(), "cannot be read"),
    ],
)
def test_a_recipe_that_is_not_there_is_named(recipe: str | Path, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_recipe(recipe)


def test_settings_change_the_recipe() -> None:
    settings = ["epochs=3", "optimizer.rate=0.5", "classes=[dog, cat]", "weights=a/best.pt"]
    recipe = read_recipe("smoke", settings)
    assert (recipe.epochs, recipe.optimizer.rate, recipe.weights) == (3, 0.5, "a/best.pt")
    assert recipe.classes == ("dog", "cat")
    assert recipe.optimizer.weight_decay == read_recipe("smoke").optimizer.weight_decay
    assert read_recipe(None, ["epochs=3"]) == Recipe(epochs=3)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("epochs", "expected KEY=VALUE"),
        ("=3", "expected KEY=VALUE"),
        ("epochs=[", "the value is not YAML"),
        ("epochs.much=3", "epochs has no keys of its own"),
        ("optimizer.rat=3", "smoke: optimizer.rat: no such key; did you mean rate?"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_recipe("smoke", [setting])
