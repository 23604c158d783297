"""What a Variable is before it can be differentiated."""

import copy
import pickle

import numpy as np
import pytest

from dezero_shared.holder import ArrayHolder


@pytest.mark.parametrize("copied", [copy.copy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_keeps_no_time_of_this_process(copied):
    """In another process the clock starts anew, and its functions would all seem too old."""
    x = ArrayHolder()
    x._data, x.name, x.assigned = np.array(1.0), "x", None
    x.data = np.array(2.0)
    c = copied(x)
    assert (c.data, c.name) == (2.0, "x")
    assert x.assigned is not None
    assert c.assigned is None
