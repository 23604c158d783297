"""The example out_of_core on a cluster of this machine, and what of its time is scheduling.

`python cluster.py STAGE SIZE WORKERS` carries out the means of sin and its four derivatives at SIZE
numbers, in chunks of 10^6, on WORKERS processes of one thread each, and without any cluster for 0;
it prints one line of JSON. A process of its own, since Dask imports much and starts others.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from pathlib import Path
from typing import Any

CHUNK = 10**6
SCRIPT = Path("examples/out_of_core.py")


def measure(stage: Path, size: int, workers: int) -> dict[str, Any]:
    """Seconds by the clock, those that workers computed, the answers and those of the formula."""
    sys.path.insert(0, str(stage))
    import dask
    import dask.array as da

    spec = importlib.util.spec_from_file_location("out_of_core", stage / SCRIPT)
    assert spec
    assert spec.loader
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)

    def plans() -> list[Any]:
        return [y.mean() for y in example.sin_cycle(example.line(da, size, chunks=CHUNK))]

    if not workers:
        started = time.perf_counter()
        means = dask.compute(*plans(), scheduler="synchronous")
        seconds = computing = time.perf_counter() - started
    else:
        from distributed import Client, LocalCluster, get_task_stream

        cluster = LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
        )
        with cluster, Client(cluster) as client:
            client.wait_for_workers(workers)
            with get_task_stream(client) as stream:
                started = time.perf_counter()
                means = client.gather(client.compute(plans()))
                seconds = time.perf_counter() - started
            computing = sum(
                part["stop"] - part["start"]
                for task in stream.data
                for part in task["startstops"]
                if part["action"] == "compute"
            )
    return {
        "workers": workers,
        "size": size,
        "seconds": seconds,
        "computing": computing,
        "means": [float(mean) for mean in means],
        "expected": example.means_of_cycle(size),
        "version": f"dask {dask.__version__}",
    }


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
