"""What the interface takes and answers, as pydantic models."""
