"""The difference of two stages: as data, in the terminal, and the budget it has to keep."""
