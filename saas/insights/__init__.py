"""What the figures say: reports over orders, customers and campaigns."""
