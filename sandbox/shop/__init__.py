"""Fern & Kettle, a small shop to browse and buy in; it knows the CRM only as any customer's shop would."""
