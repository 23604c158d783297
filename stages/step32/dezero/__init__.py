"""DeZero as it is after step 32: two cores, and the switch between them."""

from dezero_shared.modes import Config, no_grad, using_config

is_simple_core = False

if is_simple_core:
    from dezero.core_simple import Function, Variable, as_array, as_variable, setup_variable
else:
    from dezero.core import Function, Parameter, Variable, as_array, as_variable, setup_variable
    from dezero_shared.modes import test_mode

setup_variable()
