"""A company's identity provider (OpenID Connect) on this machine, for trying single sign-on and for its tests."""
