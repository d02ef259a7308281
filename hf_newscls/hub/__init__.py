"""From a report to a model card and a commit on the Hub."""
