"""neurosparse.sparsify."""
