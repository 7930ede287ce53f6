"""Past one machine: the same work spread over the nodes of a Ray cluster.

Ray is an optional package (`pip install 'sightline[cluster]'`): modules of this room import it
inside functions, and only where a command was given `--cluster`.
"""
