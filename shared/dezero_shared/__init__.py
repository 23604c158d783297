"""What no stage changes: array modules, modes, error texts, pictures."""
