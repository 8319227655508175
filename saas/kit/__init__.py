"""Tools that know nothing of CRM."""
