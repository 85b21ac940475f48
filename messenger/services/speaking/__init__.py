"""Rules, states and reasons in the words of people: one file of words per language, and the code that chooses among them."""
