"""A program is run, here or in a worker or a sandbox, and what it answered is judged."""
