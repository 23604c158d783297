"""Conformance cases for the stages, and the judge that runs them."""
