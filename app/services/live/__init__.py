"""Live queries: answers worked out again whenever what they depend on has changed."""
