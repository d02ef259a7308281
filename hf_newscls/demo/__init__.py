"""A page on which anyone can try a model: one Gradio app, for this machine and for a Space on the Hub."""
