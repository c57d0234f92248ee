"""lava-dl's NetX files in."""
