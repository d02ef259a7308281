"""JSON files: lines, arrays, tables of columns, and records inside an object."""
