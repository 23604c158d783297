"""--device: the best there is, the one that is named, or at once the reason why not."""

import sys
import types

import pytest

from dezero_harness.model.arrays import Unusable, array_kind


def part(there, count=1):
    """torch.cuda, say, as PyTorch has it: whether a device is there, and its name."""
    return types.SimpleNamespace(
        is_available=lambda: there, get_device_name=lambda device: f"a {device}"
    )


@pytest.fixture
def torch(monkeypatch):
    """Makes a PyTorch that finds these devices, and breaks where it is told to."""

    def make(*there, broken=""):
        def zeros(shape, device):
            if device == broken:
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
        (("mps",), "", "cpu"),
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
        ("torch", "mps", "--device mps: this device has no float64, in which the cases compute"),
        ("torch", "gpu", "--device gpu does not go with --array torch; what goes: .*cuda, xpu"),
        ("numpy", "cuda", "--device cuda does not go with --array numpy"),
        ("cupy", "cuda", "--device cuda does not go with --array cupy"),
    ],
)
def test_a_device_that_is_not_there_is_told_with_the_reason(torch, kind, device, said):
    torch("mps", "xpu", broken="xpu:0")
    with pytest.raises(Unusable, match=said):
        array_kind(kind, device)


@pytest.mark.parametrize("device", ["gpu", "gpu:1", "cpu:7", "cpu:x"])
def test_jaxs_devices_likewise(device):
    pytest.importorskip("jax")
    assert "jax.devices('cpu')[0]" in array_kind("jax", "cpu").prelude
    with pytest.raises(Unusable, match=f"--array jax --device {device}: "):
        array_kind("jax", device)
