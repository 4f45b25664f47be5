"""The models the product brings. Importing this package declares them."""

from segmentation.predicting.declared import categories, clusters, coupons, defection, purchases, resemblance  # noqa: F401
