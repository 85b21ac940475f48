"""A round trip through real servers: Debian's Exim takes, refuses and bounces; its bounces come back through Dovecot."""
