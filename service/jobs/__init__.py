"""Jobs: recorded video tracked offline, one at a time, resumable.

Nothing is imported here: the process that looks at an upload's header would have to load it all.
"""
