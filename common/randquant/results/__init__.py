"""From one typed record to a folder, tables and a page."""
