"""How fast the stages are beside other engines."""
