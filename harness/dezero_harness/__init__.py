"""Conformance cases for the stages, and all that is made of them, in rooms.

A room uses those before it and none after: prose, model, cases, execution, suite, mutation,
diffs, tracing, bench, labs, site, grading. The contracts in the repository's pyproject.toml hold
that.
"""
