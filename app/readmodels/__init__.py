"""Every read of evidence. Adapters say which columns and children they want; rows come back by name."""
