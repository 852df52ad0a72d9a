"""Methods that some processor classes have beside the call and the steps: one file for each kind; see `registry`."""
