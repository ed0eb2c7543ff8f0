"""What an installation has: commands, recipes, libraries and devices; and how a user types them."""
