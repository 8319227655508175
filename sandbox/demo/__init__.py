"""Two believable years of the demo shop Fern & Kettle, simulated from a seed: no row in here is about a real person."""

from sandbox.demo.world import World, products, simulate

__all__ = ["World", "products", "simulate"]
