"""Model folders: from a path, a package or the Hub, checked before they are read."""
