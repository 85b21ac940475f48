"""Programs for development; none is part of the package."""
