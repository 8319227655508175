"""What the company sells, as its shops tell it."""
