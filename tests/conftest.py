"""Shared by all tests: what a marker needs, and skips that say what is missing."""

from __future__ import annotations

import os
import shutil

import pytest

# Two OpenMP threads wait for each other at every small operation: on a busy machine tiny models take ten times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


MOST_PROCESSES = 4  # each holds torch and small models: about 1.5 GiB


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """The whole suite runs on all cores, a file at a time; a part of it, by path or by marker, in one process (-n 2
    asks for more). Not where pytest-xdist is missing, and not in the processes that it starts.
    """
    option = config.option
    part = config.args_source is pytest.Config.ArgsSource.ARGS or not option.markexpr.startswith("not ")
    if part or "PYTEST_XDIST_WORKER" in os.environ or option.usepdb:
        return
    if getattr(option, "numprocesses", 0) is None:
        option.numprocesses = min(os.cpu_count() or 1, MOST_PROCESSES)
        option.dist = "loadfile"


def cuda_is_here() -> bool:
    import torch

    return torch.cuda.is_available()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    needs = {
        "ui": (lambda: shutil.which("chromium") is not None, "no chromium on this machine"),
        "cuda": (cuda_is_here, "no CUDA device"),
    }
    for marker, (here, reason) in needs.items():
        marked = [item for item in items if item.get_closest_marker(marker)]
        if marked and not here():
            for item in marked:
                item.add_marker(pytest.mark.skip(reason=reason))
