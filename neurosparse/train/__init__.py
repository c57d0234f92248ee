"""neurosparse.train."""
