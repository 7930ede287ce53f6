"""Training of detectors: data, networks, losses, distillation."""
