"""What model servers read: folders and settings around graphs."""
