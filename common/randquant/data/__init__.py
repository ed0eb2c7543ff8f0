"""What lies on a disk: stores, features, tables of vectors."""
