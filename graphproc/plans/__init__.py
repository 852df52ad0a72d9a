"""What a program makes of an image of known size, without its pixels."""
