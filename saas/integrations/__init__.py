"""How data comes in and goes out: deliveries of shops, imports, exports."""
