"""Small platforms on this machine, for ``messenger demo --platforms``: each answers over HTTP as the real one does when all is well."""
