"""Tables of one file: read in pieces, their columns understood, written as rows of numbers."""
