"""The processor classes: a module for each family, or a folder of modules, each with its specs in `SPECS`."""
