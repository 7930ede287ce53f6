"""Training of the embedding network. Needs the `train` extra; nothing that serves imports it."""
