"""Files of sound: what kind each one is, whether its header agrees with its bytes, and the engine that decodes it."""
