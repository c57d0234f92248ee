"""neurosparse.simulate."""
