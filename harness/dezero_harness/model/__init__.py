"""What a case is, what its data lives in, and the oracle that expects by Taylor series."""
