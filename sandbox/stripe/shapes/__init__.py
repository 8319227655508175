"""What each kind of object looks like when it is made: every field of the API version, nothing decided."""
