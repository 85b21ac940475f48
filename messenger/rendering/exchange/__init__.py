"""Texts on their way to translators and back: PO files, and a folder of them that a translation server works in."""
