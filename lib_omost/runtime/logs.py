"""Keeps the terminal for what concerns a person: libraries log errors only, and show bars for downloads alone."""

from __future__ import annotations

import logging
import warnings


def quiet_transformers() -> None:
    """Also bitsandbytes', which says at each start that an optional kernel package is absent."""
    from huggingface_hub.utils.tqdm import enable_progress_bars
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    enable_progress_bars()  # the line before takes the hub's away too
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")


def quiet_diffusers() -> None:
    from diffusers.utils import logging as diffusers_logging

    diffusers_logging.set_verbosity_error()
    diffusers_logging.disable_progress_bar()
