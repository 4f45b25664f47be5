"""Visits to the brand's own pages: sites, the script they load, and visitors who turn out to be members."""
