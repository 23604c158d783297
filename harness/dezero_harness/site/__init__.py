"""The study site, derived from the stages, their chapters, the cases and the examples.

`python -m dezero_harness.site`, or `nox -s site`. What is in docs/ is written by hand; everything
else is put together here as MyST Markdown, and Sphinx makes the pages of both.
"""
