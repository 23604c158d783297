"""The name by which pytest finds the plugin, `-p dezero_harness.plugin`; see suite/session.py."""

from .suite.session import (  # noqa: F401  (the hooks)
    pytest_addoption,
    pytest_collection,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_pycollect_makemodule,
)
