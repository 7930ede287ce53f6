"""A training of seconds on the rendered people of the demo: it learns, goes on, and exports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra `train`")
pytest.importorskip("onnx", reason="the export needs the extra `train`")

from sightline import demo  # noqa: E402
from sightline.errors import ConfigError, InputError, ModelError, StateError  # noqa: E402
from sightline.formats.mot import read_mot  # noqa: E402
from sightline.reid import Embedder  # noqa: E402
from sightline.reid.export import export_network  # noqa: E402
from sightline.reid.network import EmbeddingNetwork, load_network, load_weights  # noqa: E402
from sightline.reid.ranking import rank_gallery  # noqa: E402
from sightline.reid.tracklets import Mining  # noqa: E402
from sightline.reid.training.augmentation import augmented_view, plain_view  # noqa: E402
from sightline.reid.training.composites import made_people  # noqa: E402
from sightline.reid.training.crop_set import NOBODY, CropSet  # noqa: E402
from sightline.reid.training.gathering import Gatherer  # noqa: E402
from sightline.reid.training.losses import batch_hard_triplet, identity_loss  # noqa: E402
from sightline.reid.training.recipe import Recipe, read_recipe  # noqa: E402
from sightline.reid.training.run_folder import RunFolder  # noqa: E402
from sightline.reid.training.sampling import Batches, split_identities  # noqa: E402
from sightline.reid.training.teaching import teacher_targets  # noqa: E402
from sightline.reid.training.training import Trainer, embed_pictures  # noqa: E402
from sightline.video import open_source  # noqa: E402

PLAZA = Path(demo.__file__).parent / "data" / "plaza"
CPU = torch.device("cpu")


def small_recipe(**changes: Any) -> Recipe:
    fields: dict[str, Any] = {
        "seed": 1,
        "network": {
            "stem": 8, "stages": [16, 32, 48], "blocks": [1, 1, 1], "streams": 2,
            "reduction": 2, "dimension": 16,
        },
        "clips": [{"video": "plaza.mp4", "tracks": "plaza.txt"}],
        "losses": {"imitation": 0, "relations": 0, "triplet": 1, "identity": 1},
        "augmentation": {"low_resolution": 0, "erasing": 0},
        "validation_share": 0.4,
        "optimisation": {
            "epochs": 2, "steps": 60, "people": 6, "views": 4, "others": 0,
            "learning_rate": 0.003, "average_decay": 0.9, "average_warm_up": 10,
        },
    }  # fmt: skip
    return Recipe.model_validate(fields | changes)


@pytest.fixture(scope="module")
def people() -> CropSet:
    """The rendered people of the demo's plaza."""
    gatherer = Gatherer(128, 64, Mining(spacing=0.4))
    gatherer.add_clip(open_source(PLAZA / "plaza.mp4"), read_mot(PLAZA / "gt" / "gt.txt"))
    return gatherer.finish()


@pytest.fixture(scope="module")
def trained(people: CropSet, tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    folder = RunFolder(tmp_path_factory.mktemp("runs") / "whole")
    trainer = Trainer(small_recipe(), people, folder, CPU)
    trainer.run()
    return trainer


def own_rank(network: EmbeddingNetwork, people: CropSet) -> float:
    """mAP of the first half of everybody's crops among the second halves."""
    vectors = embed_pictures(network, people.pictures, CPU)
    named = people.identities != NOBODY
    early = np.zeros(len(people), np.bool_)
    for person in range(len(people.clips)):
        rows = np.flatnonzero(people.identities == person)
        early[rows[: len(rows) // 2]] = True
    queries, gallery = np.flatnonzero(named & early), np.flatnonzero(named & ~early)
    found = rank_gallery(
        vectors[queries] @ vectors[gallery].T,
        people.identities[queries],
        people.identities[gallery],
    )
    return found.mean_average_precision


def test_seconds_of_training_improve_the_ranks_of_its_own_people(
    trained: Trainer, people: CropSet
) -> None:
    torch.manual_seed(1)
    untrained = EmbeddingNetwork(small_recipe().network).eval()
    learned, _ = load_network(trained.folder.best)
    assert own_rank(learned, people) > own_rank(untrained, people) + 0.1


def test_run_leaves_metrics_curves_and_the_recipe(trained: Trainer) -> None:
    folder = trained.folder.path
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]
    assert {"rank1", "mAP", "losses", "seconds"} <= set(json.loads(lines[0]))
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert read_recipe(folder / "recipe.yaml") == small_recipe()
    assert not list(folder.glob("*.part"))


def test_run_that_was_killed_goes_on_as_if_it_had_not_been(
    trained: Trainer, people: CropSet, tmp_path: Path
) -> None:
    def kill(_row: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    folder = RunFolder(tmp_path / "killed")
    with pytest.raises(KeyboardInterrupt):
        Trainer(small_recipe(), people, folder, CPU).run(on_epoch=kill)
    again = Trainer(small_recipe(), people, folder, CPU, resume=True)
    assert again.epoch == 1
    again.run()
    expected = trained.average.network.state_dict()
    for name, value in again.average.network.state_dict().items():
        torch.testing.assert_close(value, expected[name], msg=name)
    assert [row["losses"] for row in again.history] == [row["losses"] for row in trained.history]


def test_run_is_not_overwritten_nor_mixed_with_another(trained: Trainer, people: CropSet) -> None:
    with pytest.raises(StateError, match="a run lies there; --resume"):
        Trainer(small_recipe(), people, trained.folder, CPU)
    with pytest.raises(StateError, match="another recipe"):
        Trainer(small_recipe(seed=2), people, trained.folder, CPU, resume=True)


def test_calibration_lies_between_like_and_unlike(trained: Trainer) -> None:
    found = trained.calibrate(trained.average.network)
    assert 0 < found["match_distance"] < 1
    assert 0 < found["track_threshold"] < 1


def test_export_computes_what_pytorch_does(
    trained: Trainer, people: CropSet, tmp_path: Path
) -> None:
    network, metrics = load_network(trained.folder.best)
    path = tmp_path / "small.onnx"
    difference = export_network(
        network, path, {"scores": metrics, "match_distance": 0.4, "track_threshold": 0.6}
    )
    assert difference < 1e-4
    embedder = Embedder(path, "cpu")
    assert embedder.describe()["crop_layout"] == "bytes"
    assert (embedder.dimension, embedder.crop_size) == (16, (128, 64))
    assert (embedder.match_distance, embedder.track_threshold) == (0.4, 0.6)
    views = np.stack([plain_view(picture, 128, 64) for picture in people.pictures[:7]])
    expected = embed_pictures(network, people.pictures[:7], CPU)
    np.testing.assert_allclose(embedder.embed_crops(views), expected, atol=1e-4)
    assert embedder.session.metadata["sightline.task"] == "reid"


def test_a_checkpoint_of_something_else_is_refused(trained: Trainer, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"not a best\.pt of train-reid"):
        load_network(trained.folder.last)
    with pytest.raises(ModelError, match="no such checkpoint"):
        load_network(tmp_path / "nothing.pt")


def test_a_run_may_begin_with_the_weights_of_another(
    trained: Trainer, people: CropSet, tmp_path: Path
) -> None:
    best = trained.folder.best
    again = Trainer(small_recipe(), people, RunFolder(tmp_path / "next"), CPU, start=best)
    assert again.validate()["mAP"] == max(row["mAP"] for row in trained.history)
    wider = small_recipe(network=small_recipe().network.model_dump() | {"dimension": 24})
    with pytest.raises(ModelError, match="another shape"):
        Trainer(wider, people, RunFolder(tmp_path / "wider"), CPU, start=best)


def test_a_network_with_more_stripes_begins_where_the_other_ended(
    trained: Trainer, people: CropSet, tmp_path: Path
) -> None:
    scale = small_recipe().network.model_copy(update={"coarse_stripes": 2})
    wider = EmbeddingNetwork(scale).eval()
    load_weights(wider, trained.folder.best)
    ended, _ = load_network(trained.folder.best)
    np.testing.assert_allclose(
        embed_pictures(wider, people.pictures[:9], CPU),
        embed_pictures(ended, people.pictures[:9], CPU),
        atol=1e-5,
    )


def test_frozen_stages_stay_as_they_are_and_the_others_do_not(
    trained: Trainer, people: CropSet, tmp_path: Path
) -> None:
    plan = small_recipe().optimisation.model_copy(
        update={"frozen_stages": 1, "epochs": 1, "steps": 2}
    )
    recipe = small_recipe(optimisation=plan.model_dump())
    folder = RunFolder(tmp_path / "frozen")
    trainer = Trainer(recipe, people, folder, CPU, start=trained.folder.best)
    before = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    trainer.run()
    changed = {
        name
        for name, value in trainer.network.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert not [name for name in changed if name.startswith(("stem", "stages.0"))]
    assert [name for name in changed if name.startswith("stages.1")]
    assert "project.weight" in changed


def test_crops_survive_the_disk(people: CropSet, tmp_path: Path) -> None:
    people.save(tmp_path / "crops.npz")
    again = CropSet.load(tmp_path / "crops.npz")
    np.testing.assert_array_equal(again.pictures, people.pictures)
    np.testing.assert_array_equal(again.spans, people.spans)
    (tmp_path / "broken.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"broken\.npz: not a set of crops"):
        CropSet.load(tmp_path / "broken.npz")


def test_only_people_who_are_seen_together_are_surely_different(people: CropSet) -> None:
    apart = CropSet(
        pictures=people.pictures[:3],
        identities=np.arange(3, dtype=np.int32),
        times=np.zeros(3, np.float32),
        vectors=np.zeros((3, 0), np.float16),
        clips=np.array([0, 0, 1], np.int32),
        spans=np.array([[0, 5], [6, 9], [0, 5]], np.float32),
    )
    expected = [[False, False, True], [False, False, True], [True, True, False]]
    assert apart.different().tolist() == expected


def test_held_out_people_do_not_train(people: CropSet) -> None:
    split = split_identities(people, 0.4, np.random.default_rng(0))
    held = set(people.identities[split.queries].tolist())
    assert held
    assert held == set(people.identities[split.gallery].tolist())
    assert not held & set(people.identities[split.training].tolist())
    assert not set(split.queries.tolist()) & set(split.gallery.tolist())


def test_batches_hold_k_crops_of_each_of_p_people(people: CropSet) -> None:
    everything = np.arange(len(people))
    rows = Batches(people, everything, 4, 3, 5).draw(np.random.default_rng(3))
    names = people.identities[rows[:12]].reshape(4, 3)
    assert (names == names[:, :1]).all()
    assert len(set(names[:, 0].tolist())) == 4
    assert len(rows) == 17


def test_triplet_loss_ignores_tracks_that_may_be_the_same_person() -> None:
    vectors = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.2, 0.0], [5.0, 0.0]])
    identities = torch.tensor([0, 0, 1, 2])
    different = torch.tensor(
        [[a != b and {a, b} != {0, 1} for b in (0, 0, 1, 2)] for a in (0, 0, 1, 2)]
    )
    loss = batch_hard_triplet(vectors, identities, different)
    # Furthest positive 1; nearest surely different: 5 and 4 away. Identity 1 has no positive.
    expected = torch.nn.functional.softplus(torch.tensor([1.0 - 5.0, 1.0 - 4.0])).mean()
    torch.testing.assert_close(loss, expected)


def test_identity_loss_leaves_doubtful_tracks_out_of_the_race() -> None:
    identities = torch.tensor([0])
    different = torch.tensor([[False, False, True]])
    quiet = identity_loss(torch.tensor([[2.0, -9.0, 0.0]]), identities, different, 0.1)
    loud = identity_loss(torch.tensor([[2.0, 99.0, 0.0]]), identities, different, 0.1)
    torch.testing.assert_close(quiet, loud)
    shares = torch.log_softmax(torch.tensor([2.0, 0.0]), 0)
    torch.testing.assert_close(quiet, -(0.9 * shares[0] + 0.1 * shares[1]))


def test_targets_keep_the_teachers_order() -> None:
    random = np.random.default_rng(0)
    people_ = random.normal(size=(6, 40))
    vectors = np.repeat(people_, 10, axis=0) + 0.1 * random.normal(size=(60, 40)) + 5.0
    targets = teacher_targets(vectors, 8)
    ids = np.repeat(np.arange(6), 10)
    likeness = targets.short @ targets.short.T
    same = np.equal.outer(ids, ids)
    assert targets.kept > 0.9
    assert likeness[same].min() > likeness[~same].max()
    with pytest.raises(InputError, match=r"network\.dimension"):
        teacher_targets(vectors, 64)


def test_targets_of_a_person_move_towards_each_other() -> None:
    random = np.random.default_rng(0)
    vectors, ids = random.normal(size=(40, 24)), np.repeat([0, 1, 2, NOBODY], 10)
    apart, near = (teacher_targets(vectors, 8, ids, share).full for share in (0.0, 0.5))
    for person in range(3):
        rows = ids == person
        assert (near[rows] @ near[rows].T).mean() > (apart[rows] @ apart[rows].T).mean() + 0.1
    np.testing.assert_allclose(near[ids == NOBODY], apart[ids == NOBODY], atol=1e-6)


def test_targets_are_turned_towards_what_a_network_says() -> None:
    random = np.random.default_rng(0)
    targets = teacher_targets(random.normal(size=(200, 24)), 8)
    axes = np.linalg.qr(random.normal(size=(8, 8)))[0].astype(np.float32)
    rows = np.arange(0, 200, 3)
    turned = targets.turned(targets.rotation_towards((targets.short @ axes)[rows], rows))
    np.testing.assert_allclose(turned.short, targets.short @ axes, atol=1e-4)
    likeness = targets.short @ targets.short.T
    np.testing.assert_allclose(turned.short @ turned.short.T, likeness, atol=1e-5)


def test_made_people_are_of_two_and_half_of_them_in_other_colours() -> None:
    shades = np.array([[200, 30, 30], [30, 200, 30], [30, 30, 200]], np.uint8)
    pictures = np.broadcast_to(shades[:, None, None], (3, 40, 8, 3)).copy()
    made = made_people(pictures, 200, np.random.default_rng(0))
    assert made.shape == (200, 40, 8, 3)
    assert (made[:, :14] == made[:, :1]).all()  # above every waist
    assert (made[:, 26:] == made[:, -1:]).all()
    as_they_were = (made[:, 0, 0, None] == shades).all(axis=2).any(axis=1)
    assert 0.35 < as_they_were.mean() < 0.65
    two = (made[as_they_were, 0] != made[as_they_were, -1]).any(axis=(1, 2))
    assert 0.5 < two.mean() < 0.85
    np.testing.assert_array_equal(pictures[:, 0, 0], shades)  # the given ones are left alone


def test_made_people_are_made_of_nobody_known_and_described(
    trained: Trainer, people: CropSet, tmp_path: Path
) -> None:
    network, _ = load_network(trained.folder.best)
    export_network(network, tmp_path / "teacher.onnx", {})
    gatherer = Gatherer(128, 64, Mining(), [(Embedder(tmp_path / "teacher.onnx", "cpu"), 1.0)])
    with pytest.raises(InputError, match=r"made_people is 5, but every crop"):
        gatherer.add_made_people(5, np.random.default_rng(0))
    picture = people.pictures[0]
    whole = np.array([[4, 8, 68, 136]], np.float32)
    gatherer.add_photographs([(picture, whole), (people.pictures[40], whole)])
    gatherer.add_made_people(5, np.random.default_rng(0))
    crops = gatherer.finish()
    assert len(crops) == 7
    assert (crops.identities == NOBODY).all()
    np.testing.assert_allclose(np.linalg.norm(crops.vectors.astype(float), axis=1), 1, atol=1e-2)


def test_crops_grow_during_the_training(people: CropSet, tmp_path: Path) -> None:
    plan = small_recipe().optimisation.model_copy(update={"growth": ((0.5, 64),)})
    recipe = small_recipe(optimisation=plan.model_dump())
    trainer = Trainer(recipe, people, RunFolder(tmp_path / "growing"), CPU)
    sizes = []
    trainer.network.register_forward_pre_hook(lambda _, given: sizes.append(given[0].shape[2:]))
    trainer.run()
    assert sizes == [(64, 32)] * 60 + [(128, 64)] * 60


def test_views_keep_size_and_colours(people: CropSet) -> None:
    random = np.random.default_rng(0)
    stored = people.pictures[0]
    mean = plain_view(stored, 128, 64).reshape(-1, 3).mean(axis=0)
    for _ in range(20):
        view = augmented_view(stored, 128, 64, small_recipe().augmentation, random)
        assert view.shape == (128, 64, 3)
        assert view.dtype == np.uint8
        assert np.abs(view.reshape(-1, 3).mean(axis=0) - mean).max() < 70


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clips: []", "at least one is needed"),
        ("clips: [{video: a, tracks: b}]", "teachers: none given"),
        ("clips: [{video: a, tracks: b}]\nlosses: {hope: 2}", r"losses\.hope"),
        ("seed: [", "not YAML"),
        (
            "clips: [{video: a, tracks: b}]\nnetwork: {height: 100}",
            "a multiple of 16, for its stripes",
        ),
    ],
)
def test_recipes_that_cannot_be_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_recipe(path)


@pytest.mark.parametrize("recipe", ["", "-continued", "-wider"])
def test_default_recipes_are_valid_and_train_on_nothing_forbidden(recipe: str) -> None:
    path = Path(__file__).parents[2] / "configs" / "train" / f"sightline-reid{recipe}.yaml"
    plan = read_recipe(path)
    used = [clip.video for clip in plan.clips] + [part.images for part in plan.photographs]
    for forbidden in ("vtest", "MOT17", "PETS", "towncentre", "shopping", "coco128"):
        assert not [name for name in used if forbidden in name]
