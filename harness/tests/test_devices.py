"""--device: the best there is, the one that is named, or at once the reason why not."""

import sys
import types

import pytest

from conftest import a_case
from dezero_harness.execution.judge import judge
from dezero_harness.execution.runner import Observed
from dezero_harness.model.arrays import Unusable, array_kind


def part(there, count=1):
    """torch.cuda, say, as PyTorch has it: whether a device is there, and its name."""
    return types.SimpleNamespace(
        is_available=lambda: there, get_device_name=lambda device: f"a {device}"
    )


@pytest.fixture
def torch(monkeypatch):
    """Makes a PyTorch that finds these devices, and breaks where it is told to."""

    def make(*there, broken=()):
        def zeros(shape, device):
            if device in broken:
                raise RuntimeError("the driver is too old")

        names = {"__version__": "2.13", "zeros": zeros}
        names |= {name: part(name in there) for name in ("cuda", "xpu")}
        names["backends"] = types.SimpleNamespace(mps=part("mps" in there))
        monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(**names))

    return make


@pytest.mark.parametrize(
    ("there", "asked", "name"),
    [
        ((), "", "cpu"),
        (("xpu", "cuda"), "", "a cuda"),
        (("xpu", "mps"), "", "a xpu"),
        (("mps",), "", "mps"),
        (("mps",), "cpu", "cpu"),
        (("cuda",), "cpu", "cpu"),
        (("cuda",), "cuda:1", "a cuda:1"),
    ],
)
def test_the_best_device_is_taken_or_the_one_that_is_named(torch, there, asked, name):
    torch(*there)
    kind = array_kind("torch", asked)
    assert kind.device == name
    assert f"device='{name.removeprefix('a ')}'" in kind.prelude
    assert kind.maps == (name != "cpu")  # no limit of addresses on a GPU


@pytest.mark.parametrize(
    ("kind", "device", "said"),
    [
        (
            "torch",
            "cuda",
            "--device cuda: PyTorch 2.13 finds no such device on this machine; .*: xpu",
        ),
        ("torch", "xpu:0", "--device xpu:0: the driver is too old"),
        ("torch", "mps:7", "--device mps:7: the driver is too old"),
        ("torch", "gpu", "--device gpu does not go with --array torch; what goes: .*cuda, xpu"),
        ("numpy", "cuda", "--device cuda does not go with --array numpy"),
        ("cupy", "cuda", "--device cuda does not go with --array cupy"),
    ],
)
def test_a_device_that_is_not_there_is_told_with_the_reason(torch, kind, device, said):
    torch("mps", "xpu", broken=("xpu:0", "mps:7"))
    with pytest.raises(Unusable, match=said):
        array_kind(kind, device)


def prelude_of(kind):
    """The names that programs on arrays of this kind find."""
    names = {}
    program = kind.prelude.replace(
        "import dezero\nfrom dezero import Variable\n", "Variable = int\n"
    )
    exec(program, names)
    return names


def test_on_a_device_without_float64_the_cases_are_in_float32_and_what_needs_more_is_refused(torch):
    torch("mps")
    for kind in (array_kind("torch", "mps"), array_kind("strict", "no_float64")):
        assert set(kind.lacks) >= {"float64"}
        assert kind.coarser == 2**29  # float32 has 29 bits less
        assert '"float64"' not in kind.prelude.partition("_array = array")[0]
    assert array_kind("strict").coarser == 1
    names = prelude_of(kind)
    assert names["dtype_name"](names["array"](0.1)) == "float32"
    assert names["host"](0.1).dtype == "float32"
    assert names["array"](float("inf")).shape == ()
    for number in (1e200, 1e-200, [1.0, -1e39]):
        with pytest.raises(OverflowError, match="float32 has no such number"):
            names["array"](number)
    with pytest.raises(ValueError, match=kind.lacks["float64"].match):
        names["array"](0.1, dtype="float64")


def test_a_tolerance_is_as_much_larger_as_the_numbers_are_farther_apart():
    kind = array_kind("strict", "no_float64")
    case = a_case(program="x", expect=0.1)
    for value, outcome in [(0.1, "passed"), (0.10000000149, "passed"), (0.1001, "unexpected")]:
        verdict = judge(case, Observed(value=value), frozenset(), kind)
        assert verdict.outcome == outcome
    assert judge(case, Observed(value=0.10000000149), frozenset()).outcome == "unexpected"


def test_a_device_of_array_api_strict_that_is_none_is_told():
    with pytest.raises(Unusable, match=r"--device device9 does not go with .*no_float64"):
        array_kind("strict", "device9")


@pytest.mark.parametrize("device", ["gpu", "gpu:1", "cpu:7", "cpu:x"])
def test_jaxs_devices_likewise(device):
    pytest.importorskip("jax")
    assert "jax.devices('cpu')[0]" in array_kind("jax", "cpu").prelude
    with pytest.raises(Unusable, match=f"--array jax --device {device}: "):
        array_kind("jax", device)
