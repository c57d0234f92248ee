"""neurosparse.compare."""
