"""Video in and out: sources, camera motion, drawing, encoding."""
