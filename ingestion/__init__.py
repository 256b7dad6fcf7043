"""From trade files and feeds to normalised trades on the tape."""
