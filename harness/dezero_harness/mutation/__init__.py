"""The cases are tested in turn: faults are planted in the engines, and small changes made."""
