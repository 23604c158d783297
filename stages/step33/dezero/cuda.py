"""Arrays on the GPU and in main memory; the same in every stage."""

from dezero_shared.gpu import as_cupy, as_numpy, get_array_module, gpu_enable
