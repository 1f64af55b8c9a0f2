"""Search with an elastic supernet: its training, which knows no limit and serves every device and budget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dcanas.basics.checkpoints import load_weights
from dcanas.basics.files import read_json, write_json
from dcanas.basics.keys import key_of
from dcanas.pipeline.session import Session
from dcanas.pipeline.stages.weights import save_weights
from dcanas.search.elastic.elastic_settings import ElasticSettings
from dcanas.search.elastic.sandwich import make_supernet, train_supernet
from dcanas.search.gradient.differentiable import SearchProgress
from dcanas.supernet import ElasticSupernet

TRAINING = ("epochs", "batch_size", "learning_rate", "warmup_epochs", "momentum", "weight_decay", "clip_norm",
            "random_members")  # the settings that the supernet's weights depend on


def supernet_folder(session: Session, folder: Path) -> Path:
    """Return where this run's supernet lies: `folder` or one beside it."""
    if session.source is not None and (folder / "supernet.json").exists():
        return folder  # taken over: its key is that of the run it was made in
    settings = session.settings
    key = key_of(settings.space, session.skeleton, {name: getattr(settings.search, name) for name in TRAINING},
                 settings.train, settings.seed, session.dataset.fit_key)
    return session.place(folder, key)


def run_supernet(session: Session, folder: Path) -> dict[str, Any]:
    """Return the supernet's history, trained now or before."""
    done = folder / "supernet.json"
    if done.exists():
        session.display.say(f"Supernet: done before ({done})")
        return read_json(done)
    settings = session.settings
    assert isinstance(settings.search, ElasticSettings)
    with session.display.stage("Supernet") as bar, session.interrupts.between_steps():

        def on_step(progress: SearchProgress) -> None:
            bar.update(progress.step, progress.steps, f"epoch {progress.epoch}, loss {progress.loss:.3f}")
            if progress.row:
                session.log.write(folder.name, progress.step, progress.row)

        supernet, history = train_supernet(session.space, session.dataset, settings.search, settings.train,
                                           settings.seed, folder, session.skeleton, session.compute, on_step,
                                           session.interrupts.should_stop)
    save_weights(folder / "supernet.pt", supernet)
    write_json(done, {"history": history, "largest": session.space.format(supernet.largest_member),
                      "smallest": session.space.format(supernet.smallest_member)})
    return read_json(done)


def load_supernet(session: Session, folder: Path) -> ElasticSupernet:
    """Return the trained supernet."""
    supernet = make_supernet(session.space, session.dataset, session.settings.seed, session.skeleton, session.compute)
    supernet.load_state_dict(load_weights(folder / "supernet.pt"))
    return supernet.eval()
