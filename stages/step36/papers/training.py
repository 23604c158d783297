"""What the three papers share and none is about: the command line, Adam, checkpoints, results.

A training that is interrupted (Ctrl-C, a power cut) goes on from its checkpoint when the same
command is given again; what it computes is the same to the last digit, since the checkpoint holds
the state of the random numbers too.
"""

import json
import math
import os
import platform
import signal
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np

import dezero.functions as F
from dezero import Function
from dezero.cuda import get_array_module
from dezero_shared.plots import progress

FORMAT = 2  # of a checkpoint, with what its numbers mean: in 1 the critic of WGAN-GP had no waves


class Relu(Function):
    """y = max(x, 0), dy/dx = 1 where x > 0, else 0: a constant, so the second derivative is 0."""

    elementwise = True

    def forward(self, x):
        self.slope = (x > 0).astype(x.dtype)
        return x * self.slope

    def backward(self, gy):
        return gy * self.slope


def relu(x):
    return Relu()(x)


def log_softmax(x):
    """log(e^x / sum e^x) along the last axis, made of the stage's functions."""
    x = x - x.data.max(axis=-1, keepdims=True)  # a constant: it changes nothing but the range
    return x - F.log(F.sum(F.exp(x), axis=-1, keepdims=True))


def flat(arrays):
    return get_array_module(arrays[0]).concat([a.reshape(-1) for a in arrays])


def shaped(vector, theta):
    """The reverse of flat: a vector cut into the shapes of theta."""
    ends = np.cumsum([p.size for p in theta]).tolist()
    return [vector[b - p.size : b].reshape(p.shape) for b, p in zip(ends, theta)]


class Adam:
    """Kingma and Ba (2015): each gradient divided by the root of its mean square."""

    def __init__(self, parameters, rate, beta1=0.9, beta2=0.999):
        self.parameters = list(parameters)
        self.rate, self.beta1, self.beta2, self.t = rate, beta1, beta2, 0
        self.means = [np.zeros_like(p.data) for p in self.parameters]
        self.squares = [np.zeros_like(p.data) for p in self.parameters]

    def step(self, gradients=None):
        """One step, by these arrays, or by what backward() has left in each `grad`."""
        self.t += 1
        root = math.sqrt(1 - self.beta2**self.t)
        rate = self.rate / (1 - self.beta1**self.t)
        if gradients is None:
            gradients = [p.grad.data for p in self.parameters]
        for p, g, mean, square in zip(self.parameters, gradients, self.means, self.squares):
            mean += (1 - self.beta1) * (g - mean)
            square += (1 - self.beta2) * (g * g - square)
            p.data = p.data - rate * mean / (np.sqrt(square) / root + 1e-8)
            p.cleargrad()


def whole(text, least=1):
    number = int(text) if text.lstrip("+-").isdecimal() else least - 1
    if number < least:
        raise ArgumentTypeError(f"{text!r} is no whole number from {least} on")
    return number


def seed(text):
    return whole(text, least=0)


def writable(text):
    """A file that can be written: found out before the training, not after it."""
    path, is_new = Path(text), not Path(text).exists()
    try:
        path.open("ab").close()
        if is_new:
            path.unlink()
    except OSError as error:
        raise ArgumentTypeError(f"{text!r} cannot be written: {error.strerror}") from None
    return path


def picture(text):
    if Path(text).suffix.lower() not in (".png", ".svg", ".pdf"):
        raise ArgumentTypeError(f"{text!r} has to end in .png, .svg or .pdf")
    return writable(text)


def arguments(description, steps):
    """A parser for what every paper's script takes. steps: the default."""
    parser = ArgumentParser(description=description, formatter_class=RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--out", type=picture, metavar="FILE", help="write the picture here, do not show it")
    add("--steps", type=whole, default=steps, metavar="N", help=f"of training ({steps})")
    add("--seed", type=seed, default=0, metavar="N", help="of all that is random (0)")
    add("--checkpoint", type=writable, metavar="FILE", help="go on from here, and save here")
    add("--restart", action="store_true", help="begin anew, over the checkpoint")
    add("--json", type=writable, metavar="FILE", help="write the results here")
    return parser


class Run:
    """A training that can be interrupted, told of and gone on with.

    parts: what training changes: Parameters, Adams, and random generators, in a fixed order.
    settings: what makes this training another than those with other settings.
    """

    def __init__(self, args, paper, parts, **settings):
        self.args, self.paper, self.parts = args, paper, parts
        self.identity = {"paper": paper, "seed": args.seed, **settings}
        self.step, self.saved, self.seconds, self.history = 0, None, 0.0, {}
        if args.checkpoint and args.checkpoint.exists() and not args.restart:
            self.load(args.checkpoint)
            if self.step > args.steps:
                sys.exit(
                    f"{args.checkpoint} has come to step {self.step}, and --steps asks for "
                    f"{args.steps}; give at least as many, or --restart"
                )

    def record(self, **values):
        for name, value in values.items():
            self.history.setdefault(name, []).append(float(value))

    def steps(self):
        """The steps that are left; the loss recorded in each is shown, and must be finite."""
        asked = []
        former = {s: signal.signal(s, lambda *_: asked.append(1)) for s in STOPS}
        bar = progress(range(self.args.steps), self.paper)
        bar.update(self.step)
        last_save = started = time.monotonic()
        before = self.seconds
        try:
            for step in range(self.step, self.args.steps):
                yield step
                self.step, now = step + 1, time.monotonic()
                self.seconds = before + now - started
                loss = self.history["loss"][-1]
                if not math.isfinite(loss):
                    sys.exit(self.no_number(loss))
                bar.update()
                bar.set_postfix(loss=f"{loss:.4g}", refresh=False)
                if self.step == self.args.steps or asked or now - last_save > 30:
                    self.save()
                    last_save = now
                if asked:
                    sys.exit(f"interrupted after step {self.step}; {self.how_to_go_on()}")
        finally:
            bar.close()
            for s, handler in former.items():
                signal.signal(s, handler)

    def no_number(self, loss):
        kept = f"the last checkpoint is {self.saved}" if self.saved else "there is no checkpoint"
        return (
            f"the loss of {self.paper} is {loss} at step {self.step}, seed {self.args.seed}; {kept}"
        )

    def how_to_go_on(self):
        if self.args.checkpoint:
            return f"the same command goes on from {self.args.checkpoint}"
        return "nothing is kept, for there was no --checkpoint FILE"

    def arrays(self):
        for part in self.parts:
            if isinstance(part, Adam):
                yield from part.means + part.squares
            elif hasattr(part, "cleargrad"):
                yield part.data

    def generators(self):
        return [part.bit_generator for part in self.parts if hasattr(part, "bit_generator")]

    def save(self):
        """Write the checkpoint, beside it first: a file is whole, or it is the former one."""
        if not self.args.checkpoint:
            return
        meta = {
            "format": FORMAT,
            "identity": self.identity,
            "step": self.step,
            "seconds": self.seconds,
            "t": [part.t for part in self.parts if isinstance(part, Adam)],
            "generators": [generator.state for generator in self.generators()],
        }
        arrays = {f"a{i}": array for i, array in enumerate(self.arrays())}
        arrays |= {f"history.{name}": values for name, values in self.history.items()}
        beside = self.args.checkpoint.with_name(self.args.checkpoint.name + ".new")
        try:
            with beside.open("wb") as file:
                np.savez(file, meta=np.array(json.dumps(meta)), **arrays)
            os.replace(beside, self.args.checkpoint)
        except OSError as error:
            sys.exit(
                f"step {self.step}: the checkpoint cannot be written ({error.strerror}); the "
                f"former one is {self.saved or 'none'}"
            )
        self.saved = f"{self.args.checkpoint}, step {self.step}"

    def load(self, path):
        try:
            with np.load(path, allow_pickle=False) as file:
                meta = json.loads(str(file["meta"]))
                arrays = [file[f"a{i}"] for i in range(sum(n[0] == "a" for n in file.files))]
                history = {n[8:]: file[n].tolist() for n in file.files if n[:8] == "history."}
        except Exception:
            sys.exit(f"{path} is no checkpoint; name another file, or give --restart")
        if meta["format"] != FORMAT:
            sys.exit(
                f"{path} is a checkpoint of another version of the papers (format "
                f"{meta['format']}, and this is {FORMAT}); name another file, or give --restart"
            )
        theirs = meta.get("identity", {})
        for key in dict.fromkeys([*self.identity, *theirs]):
            if theirs.get(key) != self.identity.get(key):
                sys.exit(
                    f"{path} is a checkpoint with {key} {theirs.get(key)}, and this is {key} "
                    f"{self.identity.get(key)}; name another file, or give --restart"
                )
        rest, t = iter(arrays), iter(meta["t"])
        for part in self.parts:
            if isinstance(part, Adam):
                part.means = [next(rest) for _ in part.means]
                part.squares = [next(rest) for _ in part.squares]
                part.t = next(t)
            elif hasattr(part, "cleargrad"):
                part.data = next(rest)
        for generator, state in zip(self.generators(), meta["generators"]):
            generator.state = state
        self.step, self.seconds, self.history = meta["step"], meta["seconds"], history
        self.saved = f"{path}, step {self.step}"

    def results(self, packages=(), **measured):
        """What was measured, with all that it depends on; into --json, if that was given.

        packages: whose versions matter, beside NumPy's.
        """
        versions = {name: version(name) for name in ("numpy", *packages)}
        text = {
            **self.identity,
            "steps": self.step,
            "minutes": round(self.seconds / 60, 1),
            **measured,
            "versions": {"python": platform.python_version(), **versions},
            "machine": f"{processor()}, {platform.system()}",
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
        }
        if self.args.json:
            self.args.json.write_text(as_json([text]), "utf-8")
        return text


def as_json(results):
    """Results as JSON, a line for each entry of each."""
    texts = [
        ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in result.items())
        for result in results
    ]
    return "[\n {\n" + "\n },\n {\n".join(texts) + "\n }\n]\n"


STOPS = [signal.SIGINT, signal.SIGTERM]


def processor():
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text("utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
