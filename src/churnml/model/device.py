"""Where boosters are fitted: on the processor, or on a GPU when asked and found."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from churnml.errors import InputError

if TYPE_CHECKING:
    from churnml.config import DeviceChoice
    from churnml.model.boosting import Device
    from churnml.model.examples import Say


def device_for(choice: DeviceChoice, *, say: Say = lambda line: None) -> Device:
    """The device of a study's choice.

    Parameters
    ----------
    choice : str
        ``cpu``; ``cuda``: a GPU and nothing else; ``auto``: a GPU where there is one.
    say : callable
        Told what ``auto`` and ``cuda`` came to.

    Raises
    ------
    InputError
        If a GPU was asked for and XGBoost finds none.
    """
    if choice == "cpu":
        return "cpu"
    if gpu_found():
        say("boosters are fitted on the GPU")
        return "cuda"
    if choice == "cuda":
        raise InputError(
            'The study asks for [model] device = "cuda", but XGBoost finds no GPU here (driver, '
            "visible devices, an XGBoost built with CUDA). Mend that (nvidia-smi must list one), "
            'or set device = "auto": a GPU where there is one, else the processor.'
        )
    say("no GPU found; boosters are fitted on the processor")
    return "cpu"


@cache
def gpu_found() -> bool:
    """Whether XGBoost can fit on a GPU: two rows are fitted there, and it says where it was."""
    import xgboost

    data = xgboost.DMatrix(np.array([[0.0], [1.0]], np.float32), np.array([0.0, 1.0], np.float32))
    try:
        with xgboost.config_context(verbosity=0):
            booster = xgboost.train({"device": "cuda"}, data, num_boost_round=1)
    except xgboost.core.XGBoostError:
        return False
    used = json.loads(booster.save_config())["learner"]["generic_param"]["device"]
    return str(used).startswith("cuda")
