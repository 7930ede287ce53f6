"""The association engine: detections in, tracks out."""
