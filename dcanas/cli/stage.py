"""`dcanas search|derive|train|export|profile`: the way up to one stage, or that stage alone from `source`."""

from __future__ import annotations

from dcanas.hardware import Profile
from dcanas.pipeline.session import Session
from dcanas.pipeline.sources import adopt
from dcanas.pipeline.stages.derived_table import derive_for_all
from dcanas.pipeline.stages.exporting import run_export
from dcanas.pipeline.stages.feasible import check_feasibility
from dcanas.pipeline.stages.profiling import run_profile, run_profiles, show_profile
from dcanas.pipeline.stages.searching import run_search, search_folder
from dcanas.pipeline.stages.training import run_train


def main(session: Session, command: str) -> int:
    session.display.say(f"Run directory: {session.folder}")
    adopt(session, command)
    check_feasibility(session)
    if command == "search":
        run_search(session)
        session.display.say(f"Results of the search: {search_folder(session)}")
        return 0
    if command == "derive":
        derive_for_all(session)
        return 0
    if command == "profile":
        run_profiles(session)
    for device in session.devices:
        if command == "train":
            trained = run_train(session, device)
            session.display.say(f"{device.name}: test accuracy {100 * trained['accuracy']:.2f} %, balanced "
                                f"{100 * trained['balanced_accuracy']:.2f} % ({trained['correct']} of {trained['n']})")
        elif command == "export":
            exported = run_export(session, device)
            parity = exported["parity"]
            session.display.say(f"{device.name}: {exported['bytes']:,} bytes, opset {exported['opset']}, the same "
                                f"answer as torch for {100 * parity['top1_agreement']:.1f} % of {parity['n']} test "
                                f"images, largest relative logit error {parity['max_relative_logit_error']:.1e}")
        else:
            show_profile(session.display, Profile.from_json(run_profile(session, device)))
    return 0
