"""The sample shop: sixty orders over forty days, and the plain timer it is compared with."""
