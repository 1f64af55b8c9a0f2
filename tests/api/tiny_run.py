"""Settings of a run that takes seconds."""

from __future__ import annotations

DEVICE = "raspi4"  # it cannot be reached, so that no test waits for a measurement
TINY = {"space": {"final_skeleton": {"channels": 4, "cells": 1}, "search_skeleton": {"channels": 4, "cells": 1}},
        "search": {"epochs": 2, "finalists": 2, "finalist_epochs": 1, "batch_size": 64, "rerank": []},
        "train": {"epochs": 2}, "train.batch_size": 64, "run.threads": 1}
