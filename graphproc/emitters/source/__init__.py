"""Write size functions as source text: one file a language, and what all of them share."""
