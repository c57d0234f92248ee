"""neurosparse.data."""
