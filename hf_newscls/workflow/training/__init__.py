"""Train a model: check first, plan, fit, calibrate; with one seed or several."""
