"""Re-identification embeddings."""
