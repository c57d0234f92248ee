"""neurosparse.loihi."""
