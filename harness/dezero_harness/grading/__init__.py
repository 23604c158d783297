"""A class is graded: what was handed in, on which cases it runs, what it earns, the pages."""
