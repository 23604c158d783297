"""PyTorch's tensors as arrays, where PyTorch is installed; the cases are `nox -t torch`."""

import numpy as np
import pytest

from dezero_shared import arrays

torch = pytest.importorskip("torch")


@pytest.fixture
def x():
    return torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.float64)


def test_the_module_is_pytorch_itself(x):
    assert arrays.get_array_module(x) is torch
    assert arrays.is_array(x)


def test_views_are_told_from_tensors_with_memory_of_their_own(x):
    assert arrays.owns_memory(x)
    assert arrays.owns_memory(arrays.astype(x, x.dtype))
    for view in (x.T, x[0], x.reshape(3), torch.broadcast_to(x, (2, 3))):
        assert not arrays.owns_memory(view)


def test_only_floating_tensors_have_a_derivative(x):
    assert arrays.is_floating(x)
    for dtype in (torch.int64, torch.bool, torch.complex128):
        assert not arrays.is_floating(x.to(dtype))
    assert arrays.is_complex(x.to(torch.complex128))


def test_what_pytorch_calls_otherwise(x):
    assert arrays.size(x) == 3
    assert arrays.sum_along(x, ()).tolist() == x.tolist()
    assert arrays.sum_along(x, (0,)).tolist() == [1.0, 2.0, 3.0]
    assert arrays.permute_dims(x, (1, 0)).tolist() == x.T.tolist()
    assert arrays.moved(np.ones(2), x).tolist() == [1.0, 1.0]
    assert arrays.zeros((2,), torch.float32, x).dtype == torch.float32
    assert arrays.power(-x, 3).tolist() == [[-1.0, -8.0, -27.0]]
    assert arrays.as_numpy(x).tolist() == x.tolist()
