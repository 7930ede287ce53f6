"""Tracks, detections and ground truth as files, written and read back."""
