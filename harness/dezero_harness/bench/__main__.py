"""How fast the stages are beside other engines: `python -m dezero_harness.bench`, `nox -s bench`.

Each engine runs in a process of its own, in one thread, and answers before it is timed: a wrong
answer is reported by name and gets no time. Then the engines take turns, one sample at a time, so
that whatever else the machine does hits all alike. A ratio is taken within each turn; reported are
its median and its quartiles.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from ..execution.runner import StageError
from ..execution.stage import read
from ..prose.generated import no_place, renew
from . import plots
from .jobs import GROWTH, JOBS, OF_THE_TREE, Job
from .measure import Bench, BenchError, Subject
from .report import PEERS, as_json, in_full, summary


def chosen_jobs(only: str) -> tuple[list[Job], list[str], bool]:
    """The jobs of these names or beginnings of names, the shapes whose growth is wanted, and
    whether the cluster is."""
    everything = [*JOBS.values()]
    if not only:
        return everything, list(GROWTH), True
    jobs: list[Job] = []
    shapes: list[str] = []
    cluster = False
    for name in filter(None, only.split(",")):
        if name == "growth":
            shapes = list(GROWTH)
            continue
        if name == "cluster":
            cluster = True
            continue
        found = [job for job in everything if job.name == name] or [
            job for job in everything if job.name.startswith(name)
        ]
        if not found:
            raise BenchError(
                f"--only: there is no job {name!r}; there are {', '.join(JOBS)}, growth and"
                " cluster (the beginning of a name stands for all that begin so)"
            )
        jobs += [job for job in found if job not in jobs]
    return jobs, shapes, cluster


def chosen_stages(names: str) -> list[Subject]:
    """The stages of these numbers or folders; without any, all that are in stages/."""
    known = {p.name.removeprefix("step"): p for p in sorted(Path("stages").glob("step*"))}
    wanted = names.split(",") if names else list(known)
    subjects: list[Subject] = []
    for name in wanted:
        folder = known.get(name.removeprefix("step"), Path(name))
        if not folder.is_dir():
            raise BenchError(
                f"--stages: {name!r} is no stage and no folder; the stages are"
                f" {', '.join(known) or 'not here: start in the repository'}"
            )
        try:
            stage = read(folder)
        except StageError as error:
            raise BenchError(str(error)) from None
        taken = any(subject.name == stage.name for subject in subjects)
        name = str(folder) if taken else stage.name
        subjects.append(Subject(name, "dezero", str(stage.path), stage.capabilities))
    if not subjects:
        raise BenchError("there are no stages here; name their folders, or start in the repository")
    return subjects


def chosen_peers(names: str | None, book: Path | None, ours: Subject) -> list[Subject]:
    """The engines beside the stages, as named; without names all of them."""
    wanted = list(PEERS) if names is None else [name for name in names.split(",") if name]
    unknown = [name for name in wanted if name not in PEERS]
    if unknown:
        raise BenchError(f"--peers: there is no {unknown[0]!r}; there are {', '.join(PEERS)}")
    peers = []
    for kind in (kind for kind in PEERS if kind in wanted):
        peer = Subject(PEERS[kind], kind)
        if kind in ("series", "compiled"):
            peer.folder, peer.capabilities = ours.folder, ours.capabilities
        if kind == "bare":
            peer.folder = str(Path(__file__).parent / "bare")
        if kind == "book":
            if book:
                peer.folder = str(book.resolve())
                if not (book / "dezero").is_dir():
                    raise BenchError(f"--book {book}: there is no package dezero in this folder")
            else:
                peer.absent = "no folder was named"
        peers.append(peer)
    return peers


def place(folder: Path) -> None:
    """See that files can be written into this folder. Raises BenchError if not."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BenchError(
            f"--reports {folder}: cannot be written ({error}); name another folder"
        ) from None


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="nox -s bench --",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only", default="", metavar="JOBS", help="e.g. newton,chain,growth,cluster"
    )
    parser.add_argument("--stages", default="", metavar="N", help="e.g. 33,36, or folders")
    parser.add_argument("--peers", metavar="NAMES", help="e.g. torch,by_hand; '' for none")
    parser.add_argument("--book", type=Path, metavar="DIR", help="where the book's dezero is")
    parser.add_argument("--torch", action="store_true", help="PyTorch too (nox installs it)")
    parser.add_argument("--quick", action="store_true", help="check all answers, time nothing")
    parser.add_argument("--write", action="store_true", help="write the tables into the README")
    parser.add_argument("--readme", type=Path, default=Path("README.md"), metavar="FILE")
    parser.add_argument("--reports", type=Path, default=Path("reports"), metavar="DIR")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench and write the reports. Returns 1 where an engine failed, 2 for bad input."""
    options = parse(arguments)
    try:
        jobs, shapes, cluster = chosen_jobs(options.only)
        stages = chosen_stages(options.stages)
        subjects = [*stages, *chosen_peers(options.peers, options.book, stages[-1])]
        place(options.reports)
        if options.write:
            if options.quick:
                raise BenchError(
                    "--write: --quick measures nothing that could be written; drop one"
                )
            if lacking := no_place(options.readme, "bench", "--write"):
                raise BenchError(lacking)
        bench = Bench(subjects, options.quick)
    except BenchError as error:
        print(error, file=sys.stderr)
        return 2
    ours = [subject for subject in subjects if subject.kind in ("dezero", "compiled", "series")]
    can = [job for job in jobs if any(subject.why_not(job) is None for subject in ours)]
    cannot = [job.name for job in jobs if job not in can]
    status = 0
    try:
        for subject in subjects:
            if not subject.absent:
                subject.start()
        total = len(can) + 2 * len(shapes) + len(OF_THE_TREE) * ("tree" in shapes) + cluster
        with tqdm(total=total, bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}") as bar:
            bench.run(can, bar)
            bench.run_growth(shapes, bar)
            if cluster:
                bench.run_cluster(bar)
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # what was measured until now is worth its report
        bench.failures.append("stopped from the keyboard: what is missing was not measured")
        status = 130
    finally:
        bench.stop()

    date = datetime.date.today().isoformat()
    text = in_full(bench, date)
    json_file, full_file = options.reports / "bench.json", options.reports / "bench.md"
    json_file.write_text(json.dumps(as_json(bench, date), indent=1) + "\n", "utf-8")
    full_file.write_text(text, "utf-8")
    drawn = plots.draw(bench, options.reports)
    print(text)
    if cannot:
        print(f"No stage that was named can do: {', '.join(cannot)}")
    if options.write and not bench.failures:
        tables = summary(bench, date)
        renew(options.readme, "bench", tables, command="--write", write=True)
    print("The reports are in", ", ".join(map(str, [json_file, full_file, *drawn])))
    return status or (1 if bench.failures else 0)


if __name__ == "__main__":
    sys.exit(main())
