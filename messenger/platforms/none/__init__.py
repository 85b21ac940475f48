"""No platform: orders come from the seller's own systems."""
