"""Publish models and datasets: check the files, then push them to the Hugging Face Hub in one commit."""
