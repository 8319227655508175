"""What shoppers say of what they bought: asked for after the delivery, looked at honestly, and shown in the shop."""
