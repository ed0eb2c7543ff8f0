"""Examples of a store on a page: sounds to hear, shapes to turn, pictures, rows."""
