"""Thirty broken lines, each of which a fast test must notice; `python -m tests.mutants` breaks one at a time.

Not collected by pytest. `python -m tests.mutants canvas` takes one room; the exit status is how many survive.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIMIT_S = 600


@dataclass(frozen=True, slots=True)
class Mutant:
    """`old` is the text in `file` that becomes `new`; `tests` are run to notice it."""

    file: str
    old: str
    new: str
    tests: str


CANVAS, COMPOSER, RENDERER, RUNTIME, STUDIO = (
    f"tests/{room}" for room in ("canvas", "composer", "renderer", "runtime", "studio")
)
MUTANTS = (
    Mutant("canvas/vocabulary.py", "_STEP, _NUDGE = 30, 10", "_STEP, _NUDGE = 30, 9", f"{CANVAS}/test_vocabulary.py"),
    Mutant("canvas/canvas.py", "-region.distance_to_viewer", "region.distance_to_viewer", f"{CANVAS}/test_canvas.py"),
    Mutant("canvas/canvas.py", "0.7 * np.array", "0.6 * np.array", f"{CANVAS}/test_canvas.py"),
    Mutant(
        "canvas/reader/splitter.py",
        "self._size > MAX_STATEMENT",
        "self._size > 10 * MAX_STATEMENT",
        "tests/test_bounds.py",
    ),
    Mutant(
        "canvas/reader/program.py",
        "self._statements > MAX_STATEMENTS:",
        "self._statements > 2 * MAX_STATEMENTS:",
        "tests/test_bounds.py",
    ),
    Mutant("canvas/writer.py", "place = found[-1]", "place = found[0]", f"{CANVAS}/test_writer.py"),
    Mutant("canvas/merge.py", "and not mine.locked", "", f"{CANVAS}/test_merge.py"),
    Mutant("canvas/merge.py", "untouched and not ours.locked", "not ours.locked", f"{CANVAS}/test_merge.py"),
    Mutant(
        "composer/decoding.py",
        "self._model.crop(len(draft) - accepted)",
        "self._model.crop(max(len(draft) - accepted - 1, 0))",
        f"{COMPOSER}/test_decoding.py",
    ),
    Mutant(
        "composer/decoding.py",
        "self._rules.rollback(len(draft))",
        "self._rules.rollback(max(len(draft) - 1, 0))",
        f"{COMPOSER}/test_decoding.py",
    ),
    Mutant(
        "composer/sampling.py",
        "searchsorted(cumulative, enough)) + 1",
        "searchsorted(cumulative, enough)) + 2",
        f"{COMPOSER}/test_sampling.py {COMPOSER}/test_decoding.py",
    ),
    Mutant("composer/prompt.py", "if turn is not newest", "if True", f"{COMPOSER}/test_prompt.py"),
    Mutant("renderer/bags.py", "length(text) > room:", "length(text) >= room:", f"{RENDERER}/test_bags.py"),
    Mutant(
        "renderer/inpaint.py",
        "self.mask * (latents - noised)",
        "self.mask * (noised - latents)",
        f"{RENDERER}/test_inpaint.py {RENDERER}/test_pipeline.py",
    ),
    Mutant("renderer/inpaint.py", "if r not in new]", "if r in new]", f"{RENDERER}/test_inpaint.py"),
    Mutant(
        "renderer/attention.py", "lse + math.log(strength)", "lse - math.log(strength)", f"{RENDERER}/test_attention.py"
    ),
    Mutant(
        "renderer/regions.py",
        "bool(mask[top:bottom, left:right].all())",
        "True",
        f"{RENDERER}/test_regions.py {RENDERER}/test_attention.py",
    ),
    Mutant(
        "renderer/sampling.py",
        "(total - steps) * scheduler.order",
        "(total - steps)",
        f"{RENDERER}/test_sampling.py {RENDERER}/test_resume.py",
    ),
    Mutant("renderer/resume.py", "generator.set_state(self.generator_state)", "pass", f"{RENDERER}/test_resume.py"),
    Mutant(
        "runtime/offload.py",
        "if free is None or free >= room_bytes:",
        "if free is None or free > 2 * room_bytes:",
        f"{RUNTIME}/test_offload.py",
    ),
    Mutant(
        "runtime/fair_lock.py", "if stop is not None and stop.is_set():", "if False:", f"{RUNTIME}/test_fair_lock.py"
    ),
    Mutant(
        "runtime/fair_lock.py",
        "self._queue.append(ticket)",
        "self._queue.appendleft(ticket)",
        f"{RUNTIME}/test_fair_lock.py",
    ),
    Mutant("atomic.py", "beside.unlink(missing_ok=True)", "pass", "tests/test_atomic.py"),
    Mutant("studio/store/images.py", "if pixels > MAX_PIXELS:", "if pixels > 2 * MAX_PIXELS:", "tests/test_bounds.py"),
    Mutant(
        "studio/store/archive.py",
        "if len(data) > limit_bytes:",
        "if len(data) > limit_bytes + 1:",
        "tests/test_bounds.py",
    ),
    Mutant(
        "studio/plan.py", "0 <= strength <= MAX_STRENGTH", "0 <= strength <= 2 * MAX_STRENGTH", "tests/test_bounds.py"
    ),
    Mutant("studio/owner.py", "HttpOnly; ", "", f"{STUDIO}/test_owner.py"),
    Mutant(
        "composer/remote/failures.py",
        "sorted(forms, key=len, reverse=True)",
        "sorted(forms, key=len)[:1]",
        f"{COMPOSER}/test_remote_errors.py {COMPOSER}/test_remote.py",
    ),
    Mutant(
        "studio/conversation.py",
        "if len(text) > MAX_MESSAGE:",
        "if len(text) > MAX_MESSAGE + 1:",
        "tests/test_bounds.py",
    ),
    Mutant(
        "studio/changes.py",
        "for change in reversed(self.changes):",
        "for change in self.changes[:1]:",
        f"{STUDIO}/test_changes.py",
    ),
)


def broken_copy(mutant: Mutant, folder: Path) -> Path:
    """A copy of the project with the mutant in it."""
    copy = folder / "project"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".kitwork", "outputs", "__pycache__", "*.png"))
    file = copy / "lib_omost" / mutant.file
    text = file.read_text(encoding="utf-8")
    assert text.count(mutant.old) >= 1, f"{mutant.file} has no {mutant.old!r}: the table is older than the code"
    file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    return copy


def dies(mutant: Mutant) -> tuple[bool, float]:
    """Whether the tests notice the mutant, and after how many seconds."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        copy = broken_copy(mutant, Path(folder))
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *mutant.tests.split()]
        try:
            done = subprocess.run(command, cwd=copy, capture_output=True, timeout=LIMIT_S, check=False)
        except subprocess.TimeoutExpired:
            return False, time.monotonic() - start
    return done.returncode == 1, time.monotonic() - start


def main(rooms: list[str]) -> int:
    chosen = [mutant for mutant in MUTANTS if not rooms or mutant.file.split("/")[0] in rooms]
    alive = 0
    for mutant in chosen:
        dead, seconds = dies(mutant)
        alive += not dead
        sys.stdout.write(
            f"{'dead ' if dead else 'ALIVE'} {seconds:4.0f} s  {mutant.file}: {mutant.old} -> {mutant.new}\n"
        )
        sys.stdout.flush()
    sys.stdout.write(f"{len(chosen) - alive} of {len(chosen)} mutants die\n")
    return alive


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
