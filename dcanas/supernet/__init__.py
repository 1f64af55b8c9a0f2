"""All architectures of a space at once, sharing weights."""

from dcanas.supernet.elastic import ElasticSupernet
from dcanas.supernet.supernet import Supernet

__all__ = ["ElasticSupernet", "Supernet"]
