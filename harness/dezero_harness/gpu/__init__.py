"""Everything there is to run on a GPU, in one command: `python -m dezero_harness.gpu`."""
