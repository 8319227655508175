"""What happens in the shops: visits, carts, orders and refunds, and the connections they arrive through."""
