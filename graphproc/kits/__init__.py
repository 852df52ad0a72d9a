"""Golden kits: images, and what each step of a processor makes of them, for those who write it again."""
