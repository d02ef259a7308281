"""Trainings on hardware of the Hub: the part that runs here, and the part that runs there."""
