"""What CuPy's arrays do otherwise than the standard's, and the catalogue on arrays that do so."""

import json
import operator
import sys

import cupy_like
import numpy as np
import pytest

import dezero_shared.gpu
from conftest import ROOT
from dezero_harness import plugin  # noqa: F401  (before pytester's snapshot of modules)
from dezero_harness.suite import conformance  # noqa: F401  (before pytester's snapshot of modules)
from dezero_shared import arrays

pytest_plugins = ["pytester"]


@pytest.fixture
def cupy(monkeypatch):
    monkeypatch.setattr(dezero_shared.gpu, "why_unusable", lambda: None)
    monkeypatch.setitem(sys.modules, "cupy", cupy_like.module())
    monkeypatch.delitem(arrays._modules, cupy_like.ndarray, raising=False)
    yield sys.modules["cupy"]
    arrays._modules.pop(cupy_like.ndarray, None)


# The contract differences: what strict arrays allow or forbid, and CuPy's do not.


def test_the_module_of_an_array_is_known_though_the_array_does_not_say(cupy):
    x = cupy.array([1.0, 2.0])
    assert not hasattr(x, "__array_namespace__")
    assert arrays.get_array_module(x) is cupy
    assert arrays.is_floating(x)


@pytest.mark.parametrize("mix", [operator.add, operator.mul, operator.truediv, np.add])
@pytest.mark.parametrize("shape", [(), (2,)])
def test_the_host_and_the_device_do_not_mix(cupy, mix, shape):
    on_host = np.ones(shape)
    on_device = cupy.array(on_host)
    for pair in ((on_device, on_host), (on_host, on_device)):
        with pytest.raises(TypeError, match="Unsupported type"):
            mix(*pair)
    for convert in (np.asarray, np.array):
        with pytest.raises(TypeError, match="Implicit conversion"):
            convert(on_device)
    np.testing.assert_array_equal(arrays.as_numpy(on_device), on_host)


def test_results_stay_on_the_device_and_have_no_scalars(cupy):
    x = cupy.array([1.0, 2.0], dtype="float32")
    for y in (np.sin(x), x * 2.0, np.float32(2.0) * x, x.sum(), x[0], cupy.sum(x), x == x):
        assert type(y) is cupy.ndarray
    assert (x * 2.0).dtype == np.float32
    assert (x.sum().shape, x[0].shape) == ((), ())


def test_what_the_engine_makes_for_an_array_is_where_the_array_is(cupy):
    x = cupy.array([1.0, 2.0])
    made = [arrays.ones_like(x), arrays.zeros((2,), x.dtype, x), arrays.astype(x, x.dtype)]
    assert {type(each) for each in made} == {cupy.ndarray}
    assert made[2] is not x
    assert arrays.owns_memory(made[2])


# The catalogue.


def test_the_last_stage_passes_every_case_on_such_arrays(cupy, copied, conform, pytester):
    result = conform(copied(36), "--array=cupy", "-q", "--tb=short")
    report = json.loads(next(pytester.path.glob("reports/*.json")).read_text("utf-8"))
    assert report["array"]["device"] == "no device: NumPy in disguise"
    red = [result["id"] for result in report["results"] if result["outcome"] == "unexpected"]
    assert (red, result.ret) == ([], pytest.ExitCode.OK)
    assert len(report["results"]) == report["catalogue"]


def test_an_engine_that_names_numpy_is_red_on_such_arrays(cupy, copied, conform):
    broken = copied(36, "dezero/functions.py", "get_array_module(x).sin(x)", "np.asarray(x)")
    text = (broken / "dezero/functions.py").read_text("utf-8")
    (broken / "dezero/functions.py").write_text("import numpy as np\n" + text, "utf-8")
    result = conform(broken, "--array=cupy", "-k", "spine")
    result.stdout.fnmatch_lines(["sin cycle * unexpected: an exception in place of an answer"])


def test_there_is_no_mention_of_the_stand_in_outside_the_tests():
    sources = (ROOT / "harness" / "dezero_harness").rglob("*.py")
    assert not [file.name for file in sources if "cupy_like" in file.read_text("utf-8")]
