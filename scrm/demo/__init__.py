"""The demo pool: a real retailer's year, taken through the product's own import."""
