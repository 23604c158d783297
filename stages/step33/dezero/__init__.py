"""DeZero with the one core that is left."""

from dezero.core import Function, Parameter, Variable, as_array, as_variable, setup_variable
from dezero_shared.modes import Config, no_grad, test_mode, using_config

setup_variable()
