"""The detector's process: newest frames of all cameras in batches, a tracker and rules each."""
