"""DeZero as it is after step 31."""

from dezero.core_simple import Function, Variable, as_array, as_variable, setup_variable
from dezero_shared.modes import Config, no_grad, using_config

is_simple_core = True

setup_variable()
