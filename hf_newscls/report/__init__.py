"""Everything that people read: report, cards, tables and figures."""
