"""The embedded models: the catalogue, what is on disk, and how they are fetched."""

from models.catalogue import Model, all_models, model_named
from models.store import path_of

__all__ = ["Model", "all_models", "model_named", "path_of"]
