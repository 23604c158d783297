"""The pytest side: a session on a stage, the cases as items, the report, the whole matrix."""
