"""neurosparse.cli."""
