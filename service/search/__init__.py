"""Search by appearance: who of the stored tracks looks like this person."""

from sightline.service.search.search import Search

__all__ = ["Search"]
