"""Trained classifiers as ONNX files that are checked on the test rows before they are written."""
