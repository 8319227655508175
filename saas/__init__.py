"""The product: its rooms, the tools they share, and the hall that joins them."""
