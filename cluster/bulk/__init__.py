"""Archives of recordings, tracked video by video: in this process, or on a cluster."""
