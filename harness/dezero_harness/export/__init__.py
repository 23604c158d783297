"""The mathematical cases as data, for engines in any language: a file, and a dialogue in JSON."""
