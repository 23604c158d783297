"""The repository's Markdown: read as data, and the parts of it that are generated."""
