"""Artifacts to evidence: bytes in, a batch or a rejection out. Pure; importers do not know each other."""
