"""A stage to write oneself: where it starts, how far one is, hints, pages."""
