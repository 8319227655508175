"""A WooCommerce store that fails in every way a real one does, for the fetching of its past: lists of REST v3 in three versions.

The old one (3.8) refuses orderby=modified and takes no notice of modified_after, as was seen on stores that run.
"""
