"""Made-up pictures whose class shows as the outline and the pattern of one object; colours and places say nothing."""
