"""neurosparse.report."""
