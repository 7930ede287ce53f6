"""The page that the service shows without anything else."""
