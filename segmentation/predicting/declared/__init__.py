"""The models the product brings. Importing this package declares them."""

from segmentation.predicting.declared import defection, purchases  # noqa: F401
