"""Jobs: recorded video tracked offline, one at a time, resumable."""
