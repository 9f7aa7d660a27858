"""The explorer's sources and the command that builds them; not part of an installed gateway."""
