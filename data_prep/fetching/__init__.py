"""Downloads, and safe extraction of archives."""
