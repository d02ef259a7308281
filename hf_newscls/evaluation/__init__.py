"""Probabilities in, `EvaluationReport` out: metrics, baselines, calibration, intervals and errors."""
