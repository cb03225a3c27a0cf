"""For instructors: handing lessons out, marking, decks, the site. No lesson needs it."""
