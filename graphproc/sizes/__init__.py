"""Size arithmetic: plain numbers when sizes are known, traced expressions when they are not."""
