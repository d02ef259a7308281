"""Everything that a person reads: pages, cards, tables and figures."""
