"""The detector: networks in, boxes out."""
