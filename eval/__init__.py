"""Evaluation: CLEAR, Identity, HOTA, detection AP, reports."""
