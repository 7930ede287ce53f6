"""Pictures and clips of events, kept while there is room."""
