"""Train on hardware of the Hub (HF Jobs): what is sent, the job's start, its log, and the run that comes back."""
