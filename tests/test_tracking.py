from conftest import composed
from hydra.utils import instantiate

ABOUT = {"data": "d", "zoo": "z", "split": "s", "label": "knn", "seed": 0}


def test_nothing_is_tracked_by_default():
    assert instantiate(composed("router=knn").tracking)(ABOUT, {"macro_score": 0.5}) is None


def test_wandb_works_offline(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_SILENT", "true")
    cfg = composed("router=knn", "tracking=wandb", f"results={tmp_path}")
    instantiate(cfg.tracking)(ABOUT, {"macro_score": 0.5})
    assert list(tmp_path.glob("wandb/offline-run-*/*.wandb"))
