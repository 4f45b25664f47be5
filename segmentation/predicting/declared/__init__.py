"""The models the product brings. Importing this package declares them."""

from segmentation.predicting.declared import (  # noqa: F401
    activities,
    categories,
    clusters,
    coupons,
    defection,
    novelties,
    promotions,
    purchases,
    resemblance,
)
