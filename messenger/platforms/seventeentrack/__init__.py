"""17TRACK: where parcels are, whoever carries them."""
