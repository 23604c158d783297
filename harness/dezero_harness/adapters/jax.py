"""JAX: functions are differentiated, by tracing them."""

import jax
import jax.numpy as jnp

ENGINE, TESTED = "jax", "0.10.2"

OPERATIONS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda x: -x,
    "pow": lambda x, c: x**c,
    "sum": lambda x, axis, keepdims: jnp.sum(x, axis, keepdims=keepdims),
    "reshape": jnp.reshape,
    "transpose": jnp.transpose,
    "broadcast_to": jnp.broadcast_to,
    "matmul": jnp.matmul,
    "sin": jnp.sin,
    "cos": jnp.cos,
    "tanh": jnp.tanh,
    "exp": jnp.exp,
    "log": jnp.log,
}


def warm_up():
    jax.config.update("jax_enable_x64", True)


leaf = jnp.asarray
numpy = jax.device_get
vjp = jax.vjp
