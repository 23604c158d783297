"""The worker process of the bench: one engine, which prepares jobs, answers them and is timed.

Requests and answers are lines of JSON on the pipes that were its stdin and stdout. A time is of the
processor (all threads of this process), which other programs of the machine disturb less than the
clock on the wall; where nothing else runs, and in one thread, the two agree. Where a GPU computes
and this process waits for it, the clock on the wall is asked for.
"""

from __future__ import annotations

import base64
import gc
import importlib
import sys
import time
import tracemalloc
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

# Where the system's own clock of processor time is coarse, the wall's has to do.
CLOCK = "process_time" if time.get_clock_info("process_time").resolution < 1e-6 else "perf_counter"
clock: Callable[[], float] = getattr(time, CLOCK)


#: What an engine of this kind computes with, where it is not NumPy.
LIBRARIES = {
    "autograd": "autograd",
    "jax": "jax",
    "jax.jit": "jax",
    "compiled": "jax",
    "torch": "torch",
    "series": "dezero_shared.series",
    "jet": "jax",
    "jet.jit": "jax",
    "heyoka": "heyoka",
    **dict.fromkeys(("stage_cupy", "hand_cupy"), "cupy"),
    **dict.fromkeys(("stage_torch", "eager_torch"), "torch"),
    **dict.fromkeys(("stage_jax", "jit_jax"), "jax"),
}


class Engine:
    """An engine by its kind: how a program of a job becomes something to call."""

    def __init__(self, kind: str, folder: str):
        self.kind = kind
        if folder:
            import_engine(Path(folder), own=kind != "book")
        self.version = self._version()

    def _version(self) -> str:
        """Import what this kind computes with. Raises ImportError where it is not installed."""
        name = LIBRARIES.get(self.kind, "numpy")
        library = importlib.import_module(name)
        if name == "torch":
            library.set_num_threads(1)
        distribution = name.partition(".")[0]
        if distribution == "dezero_shared":
            return ""
        # CuPy's distribution has another name than its module.
        version = getattr(library, "__version__", "") or metadata.version(distribution)
        return f"{distribution} {version}"

    def prepare(self, job: Any) -> Callable[[], Any]:
        """The program of this job, ready to be called. Its first call may compile it."""
        if self.kind in ("jax", "jax.jit", "jet", "jet.jit", "compiled"):
            import jax

            f, *arguments = getattr(job, self.kind.partition(".")[0])()
            if self.kind not in ("jax", "jet"):
                f = jax.jit(f)
            # After the compiler's work, or it would compute these alone.
            sample = getattr(job, "sample", lambda answer: answer)
            return lambda: sample(jax.block_until_ready(f(*arguments)))
        return getattr(job, "dezero" if self.kind in ("book", "bare") else self.kind)()


def import_engine(folder: Path, own: bool) -> None:
    """Import the package `dezero` of this folder, and no other."""
    import numpy as np

    if not own:
        # The book's package of 2020 asks for a name that NumPy has since taken back.
        np.int = int  # type: ignore[attr-defined]
    from dezero_harness.execution import runner

    runner.import_engine(folder)


def as_data(answer: Any) -> list[dict[str, Any]]:
    """The arrays of an answer as plain data."""
    import numpy as np

    arrays = []
    for x in answer if isinstance(answer, list | tuple) else [answer]:
        if hasattr(x, "creator"):  # a Variable
            x = x.data
        if hasattr(x, "detach"):  # PyTorch's
            x = x.detach()
        array = np.asarray(x)
        text = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
        arrays.append({"dtype": str(array.dtype), "shape": array.shape, "base64": text})
    return arrays


def measure(program: Callable[[], Any], calls: int, by: str = CLOCK) -> tuple[float, Any]:
    """Seconds for this many calls, with the cyclic collector on as users have it; and an answer."""
    clock = getattr(time, by)
    gc.collect()  # no sample pays for what the one before has left
    started = clock()
    for _ in range(calls - 1):
        program()
    answer = program()
    return clock() - started, answer


def peak(program: Callable[[], Any]) -> int:
    """The most bytes of memory that Python and NumPy held in the course of one call."""
    gc.collect()
    tracemalloc.start()
    try:
        program()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def bytes_per_node(kind: str, n: int) -> float:
    """What each addition of a chain adds to this process while its graph is alive."""
    import psutil

    process = psutil.Process()
    if kind == "torch":
        import torch

        x = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    else:
        import numpy as np

        from dezero import Variable

        x = Variable(np.array(1.0))
    y = x
    for _ in range(1000):  # what is allocated once is allocated here
        y = y + x
    gc.collect()
    before = process.memory_info().rss
    for _ in range(n):
        y = y + x
    return (process.memory_info().rss - before) / n


def main() -> None:
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from dezero_harness.execution.worker import Pipes

    pipes = Pipes()
    requests, answer = iter(pipes), pipes.answer
    settings = next(requests)
    sys.path[:] = settings["path"]
    # Memory that is kept for the next array is a setting for every engine, like the collector.
    import dezero_shared.arrays  # noqa: F401

    try:
        engine = Engine(settings["kind"], settings["folder"])
    except ImportError as error:
        return answer(absent=f"{type(error).__name__}: {error}")
    except Exception as error:
        return answer(error=f"{type(error).__name__}: {error}")
    answer(version=engine.version)

    jobs = importlib.import_module(settings["jobs"])

    # What was imported stays, and no collection shall look at it: of some libraries it is a lot.
    gc.collect()
    gc.freeze()

    programs: dict[str, Any] = {}
    for request in requests:
        try:
            answer(**_reply(engine, programs, jobs.make, **request))
        except Exception as error:
            answer(error=f"{type(error).__name__}: {error}"[:500])
    return None


def _reply(
    engine: Engine, programs: dict[str, Any], make: Any, do: str, key: str = "", **given: Any
) -> dict[str, Any]:
    if do == "prepare":
        started = clock()
        programs[key] = engine.prepare(make(*given["job"]))
        return {"seconds": clock() - started}
    if do == "time":
        seconds, result = measure(programs[key], given["calls"], given.get("clock", CLOCK))
        return {"seconds": seconds} | ({"value": as_data(result)} if given["value"] else {})
    if do == "peak":
        return {"bytes": peak(programs[key])}
    if do == "node":
        return {"bytes": bytes_per_node(engine.kind, given["n"])}
    assert do == "release"
    programs.clear()
    release_devices()
    return {}


def release_devices() -> None:
    """Give the memory of a GPU back that these libraries keep for later arrays."""
    gc.collect()
    if cupy := sys.modules.get("cupy"):
        cupy.get_default_memory_pool().free_all_blocks()
    if torch := sys.modules.get("torch"):
        torch.cuda.empty_cache()  # does nothing where there is no device


if __name__ == "__main__":
    main()
