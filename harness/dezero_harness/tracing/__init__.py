"""What an engine does in a backward pass, recorded from a real run and told step by step."""
